// What is asked of the fixture server (../fixture/contract.mjs), alone or behind the gateway.

import { eventually, holds, refused, same } from './steps.mjs';

const text = result => result.content.map(block => block.text ?? `<${block.type}>`).join('|');

/**
 * @param peer   the connected client, see sdk-v2.mjs
 * @param prefix what the endpoint puts before the names of tools and prompts
 */
export async function fixture({ steps, peer, person, prefix }) {
    const { client, era } = peer;
    const call = (name, args, options) => peer.call(prefix + name, args, options);

    await lists({ steps, client, prefix });
    await calls({ steps, call });
    await prompts({ steps, client, prefix });
    await resources({ steps, client, era });
    await asks({ steps, person, call, client, prefix });
    await changes({ steps, peer, person, call, prefix });
    if (peer.ping) {
        await steps.step('ping', () => peer.ping());
    }
}

async function lists({ steps, client, prefix }) {
    await steps.step('says what it can do', async () => {
        const can = client.getServerCapabilities();
        for (const capability of ['tools', 'prompts', 'resources', 'completions', 'logging']) {
            holds(can?.[capability] !== undefined, `capability ${capability} is missing: ${JSON.stringify(can)}`);
        }
        holds(client.getServerVersion()?.name, 'the server has no name');
    });
    await steps.step('tools/list', async () => {
        const { tools } = await client.listTools();
        const names = new Set(tools.map(tool => tool.name));
        same(names.size, tools.length, 'number of different tool names');
        for (const name of ['test_simple_text', 'add', 'json_schema_2020_12_tool', 'count_slowly', 'elicit_url']) {
            holds(names.has(name) || names.has(prefix + name), `${name} is not listed`);
        }
        const ours = name => tools.find(tool => tool.name === name || tool.name === prefix + name);
        const schema = ours('json_schema_2020_12_tool').inputSchema;
        same(schema.$defs?.address?.$anchor, 'addressDef', '$anchor in the listed schema');
        same(schema.then, { required: ['phone'] }, '"then" in the listed schema');
        same(ours('add').outputSchema?.properties?.sum?.type, 'number', 'the type of sum in the output schema');
        same(ours('test_x_mcp_header').inputSchema.properties.region['x-mcp-header'], 'Region', 'x-mcp-header');
    });
    await steps.step('prompts/list', async () => {
        const { prompts } = await client.listPrompts();
        const found = prompts.find(
            ({ name }) => name === 'test_prompt_with_arguments' || name === `${prefix}test_prompt_with_arguments`
        );
        same(
            found?.arguments?.map(({ name }) => name),
            ['arg1', 'arg2'],
            'arguments of test_prompt_with_arguments'
        );
    });
    await steps.step('resources/list and templates', async () => {
        const { resources } = await client.listResources();
        const { resourceTemplates } = await client.listResourceTemplates();
        const uris = resources.map(({ uri }) => uri);
        for (const uri of ['test://static-text', 'test://static-binary', 'test://watched-resource']) {
            holds(uris.includes(uri), `${uri} is not listed`);
        }
        holds(
            resourceTemplates.some(({ uriTemplate }) => uriTemplate === 'test://template/{id}/data'),
            'template is not listed'
        );
    });
}

async function calls({ steps, call }) {
    await steps.step('calls a tool', async () => {
        same(text(await call('test_simple_text')), 'This is a simple text response for testing.', 'the text');
    });
    await steps.step('gets an image, a sound and a resource', async () => {
        const mixed = await call('test_multiple_content_types');
        same(
            mixed.content.map(({ type }) => type),
            ['text', 'image', 'resource'],
            'kinds of content'
        );
        const sound = await call('test_audio_content');
        holds(
            Buffer.from(sound.content[0].data, 'base64').subarray(0, 4).toString() === 'RIFF',
            'the sound is damaged'
        );
    });
    await steps.step('gets a structured result', async () => {
        same((await call('add', { a: 1.5, b: 2 })).structuredContent, { sum: 3.5 }, 'structuredContent');
    });
    await steps.step('a failing tool is a result with isError', async () => {
        const result = await call('test_error_handling');
        same(result.isError, true, 'isError');
        same(text(result), 'This tool intentionally returns an error for testing', 'the text');
    });
    await steps.step('an unknown tool is refused', async () => {
        same((await refused(() => call('no_such_tool'), 'an unknown tool')).code, -32602, 'the code');
    });
    await steps.step('wrong arguments are a result with isError', async () => {
        same((await call('add', { a: 'one', b: 2 })).isError, true, 'isError');
    });
    await steps.step('calls a tool with mirrored headers', async () => {
        same(
            text(await call('test_x_mcp_header', { region: 'Zürich ', level: 3 })),
            'region Zürich , level 3',
            'the text'
        );
    });
    await steps.step('twenty calls at once, each with its own answer', async () => {
        const sums = await Promise.all(Array.from({ length: 20 }, (_, i) => call('add', { a: i, b: 1000 })));
        same(
            sums.map(result => result.structuredContent.sum),
            sums.map((_, i) => i + 1000),
            'the sums'
        );
    });
    await steps.step('hears progress', async () => {
        const heard = [];
        const result = await call(
            'count_slowly',
            { steps: 4, delayMs: 20 },
            { onprogress: update => heard.push(update.progress) }
        );
        same(text(result), 'counted to 4', 'the text');
        same(heard, [1, 2, 3, 4], 'the progress');
    });
    await steps.step('a cancelled call ends at the server', async () => {
        const before = Number(text(await call('cancelled_counts')));
        const cancel = new AbortController();
        const options = { signal: cancel.signal, onprogress: () => cancel.abort('enough') };
        await refused(() => call('count_slowly', { steps: 600, delayMs: 100 }, options), 'a cancelled call');
        await eventually(
            async () => Number(text(await call('cancelled_counts'))) > before,
            'the end of the call at the server'
        );
    });
    await steps.step('two megabytes there and back', async () => {
        const name = 'x'.repeat(2_000_000);
        const result = await call('json_schema_2020_12_tool', {
            name,
            contactMethod: 'email',
            email: 'ada@example.org'
        });
        same(JSON.parse(text(result)).name.length, name.length, 'length of the name');
    });
}

async function prompts({ steps, client, prefix }) {
    await steps.step('prompts/get', async () => {
        const { messages } = await client.getPrompt({
            name: `${prefix}test_prompt_with_arguments`,
            arguments: { arg1: 'hello', arg2: 'wörld' }
        });
        same(messages[0].content.text, "Prompt with arguments: arg1='hello', arg2='wörld'", 'the text');
    });
    await steps.step('an unknown prompt is refused', async () => {
        const error = await refused(() => client.getPrompt({ name: `${prefix}no_such_prompt` }), 'an unknown prompt');
        same(error.code, -32602, 'the code');
    });
    await steps.step('completion of a prompt argument', async () => {
        const { completion } = await client.complete({
            ref: { type: 'ref/prompt', name: `${prefix}test_prompt_with_arguments` },
            argument: { name: 'arg1', value: 'par' }
        });
        same(completion.values, ['paris', 'parma'], 'the values');
    });
}

async function resources({ steps, client, era }) {
    await steps.step('resources/read', async () => {
        const [content] = (await client.readResource({ uri: 'test://static-text' })).contents;
        same(content.text, 'This is the content of the static text resource.', 'the text');
        const [binary] = (await client.readResource({ uri: 'test://static-binary' })).contents;
        same(Buffer.from(binary.blob, 'base64').subarray(1, 4).toString(), 'PNG', 'the start of the image');
    });
    await steps.step('resources/read of a template', async () => {
        const [content] = (await client.readResource({ uri: 'test://template/4711/data' })).contents;
        same(JSON.parse(content.text).id, '4711', 'the id');
    });
    await steps.step('a missing resource is refused', async () => {
        const error = await refused(() => client.readResource({ uri: 'test://missing' }), 'a missing resource');
        const codes = era === 'modern' ? [-32602] : [-32002, -32602];
        holds(codes.includes(error.code), `the code is ${error.code}, expected ${codes.join(' or ')}`);
    });
}

async function asks({ steps, person, call, client, prefix }) {
    const asked = async (name, kinds, act, expected) => {
        await steps.step(name, async () => {
            person.takeAsked();
            const answer = await act();
            same(answer.content ? text(answer) : answer.messages[0].content.text, expected, 'the answer');
            same(person.takeAsked().sort(), kinds, 'what was asked');
        });
    };
    await asked(
        'asks the user',
        ['form'],
        () => call('test_elicitation', { message: 'Shall we?' }),
        'User response: action=accept, content={"response":"yes, please"}'
    );
    await asked(
        'asks the user, who declines',
        ['form'],
        async () => {
            person.declines = true;
            try {
                return await call('test_elicitation', { message: 'Shall we?' });
            } finally {
                person.declines = false;
            }
        },
        'User response: action=decline, content={}'
    );
    await asked(
        'asks with defaults',
        ['form'],
        () => call('test_elicitation_sep1034_defaults'),
        'Elicitation completed: action=accept, content=' +
            '{"name":"Ada","age":30,"score":95.5,"status":"active","verified":true}'
    );
    await asked(
        'asks to open a page',
        ['url'],
        () => call('elicit_url', { url: 'https://example.org/consent?x=1&y=ü' }),
        'The user said accept.'
    );
    await asked(
        'asks the model',
        ['sampling'],
        () => call('test_sampling', { prompt: 'Capital of France?' }),
        'LLM response: Paris, I think'
    );
    await asked(
        'asks for the roots',
        ['roots'],
        () => call('test_input_required_result_list_roots'),
        'Roots: file:///home/ada/work'
    );
    await asked(
        'asks for three things at once',
        ['form', 'roots', 'sampling'],
        () => call('test_input_required_result_multiple_inputs'),
        'Paris, I think Ada, you have 1 root(s).'
    );
    await asked(
        'asks twice, one after the other',
        ['form', 'form'],
        () => call('test_input_required_result_multi_round'),
        'Ada likes green.'
    );
    await asked(
        'asks during prompts/get',
        ['form'],
        () => client.getPrompt({ name: `${prefix}test_input_required_result_prompt` }),
        'The context is: a test'
    );
    await steps.step('calls go on after being asked', async () => {
        same(text(await call('test_simple_text')), 'This is a simple text response for testing.', 'the text');
    });
}

async function changes({ steps, peer, person, call, prefix }) {
    const heard = kind => person.heard.filter(note => note.kind === kind);
    await steps.step('hears the log of a tool', async () => {
        person.heard.length = 0;
        await peer.log(`${prefix}test_tool_with_logging`);
        await eventually(() => heard('log').length >= 3, 'three lines of log');
        same(
            heard('log').map(({ params }) => params.data),
            ['Tool execution started', 'Tool processing data', 'Tool execution completed'],
            'the log'
        );
    });
    await steps.step('hears of a changed resource and a changed list', async () => {
        person.heard.length = 0;
        const stop = await peer.watch('test://watched-resource');
        await eventually(
            () => heard('updated').length > 0,
            'the update',
            () => call('touch_resource', { uri: 'test://watched-resource' })
        );
        same(heard('updated')[0].params.uri, 'test://watched-resource', 'the URI');
        await eventually(
            () => heard('tools').length > 0,
            'the change of the list',
            () => call('test_trigger_tool_change')
        );
        await stop();
    });
}
