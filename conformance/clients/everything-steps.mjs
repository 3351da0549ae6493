// What is asked of the reference server "everything" (npm, first generation of the SDK, legacy era only).

import { setTimeout as sleep } from 'node:timers/promises';

import { eventually, holds, same } from './steps.mjs';

const text = result => result.content.map(block => block.text ?? `<${block.type}>`).join('|');

export async function everything({ steps, peer, person, prefix }) {
    const { client } = peer;
    const call = (name, args, options) => peer.call(prefix + name, args, options);
    let tools = [];
    await steps.step('tools/list', async () => {
        ({ tools } = await client.listTools());
        tools = tools.map(({ name }) => name);
        for (const name of ['echo', 'get-sum', 'get-structured-content', 'trigger-long-running-operation']) {
            holds(tools.includes(name) || tools.includes(prefix + name), `${name} is not listed`);
        }
    });
    await steps.step('echo', async () =>
        same(text(await call('echo', { message: 'grüß dich' })), 'Echo: grüß dich', 'the text')
    );
    await steps.step('get-sum', async () =>
        holds(text(await call('get-sum', { a: 20, b: 22 })).includes('42'), 'the sum is not 42')
    );
    await steps.step('a structured result', async () => {
        const { structuredContent } = await call('get-structured-content', { location: 'New York' });
        holds(
            typeof structuredContent?.temperature === 'number',
            `structuredContent is ${JSON.stringify(structuredContent)}`
        );
    });
    await steps.step('an image', async () => {
        const { content } = await call('get-tiny-image');
        holds(
            content.some(({ type, data }) => type === 'image' && data.length > 100),
            'there is no image'
        );
    });
    await steps.step('links to resources', async () => {
        const { content } = await call('get-resource-links', { count: 3 });
        same(content.filter(({ type }) => type === 'resource_link').length, 3, 'number of links');
    });
    await steps.step('progress of a long operation', async () => {
        // The server asks for the roots 350 ms after a session began. What it reports while a modern client is away to answer
        // that is dropped, as docs/bridging.md says, so that the question has to be over before the first report.
        await sleep(500);
        const heard = [];
        // It may ask in a new session all the same. A v2 client then reports a round of its own, which has no total.
        const options = { onprogress: ({ progress, total }) => total !== undefined && heard.push(progress) };
        await call('trigger-long-running-operation', { duration: 1, steps: 4 }, options);
        same(heard, [1, 2, 3, 4], 'the progress');
    });
    await steps.step('prompts', async () => {
        const { prompts } = await client.listPrompts();
        holds(
            prompts.some(({ name }) => name === 'args-prompt' || name === `${prefix}args-prompt`),
            'args-prompt is not listed'
        );
        const { messages } = await client.getPrompt({ name: `${prefix}args-prompt`, arguments: { city: 'Porto' } });
        holds(messages[0].content.text.includes('Porto'), 'the prompt does not name the city');
    });
    await steps.step('completion', async () => {
        const { completion } = await client.complete({
            ref: { type: 'ref/prompt', name: `${prefix}completable-prompt` },
            argument: { name: 'department', value: 'S' }
        });
        holds(completion.values.includes('Sales'), `the values are ${completion.values}`);
    });
    await steps.step('resources', async () => {
        const { resources } = await client.listResources();
        const uri = resources.map(resource => resource.uri).find(candidate => candidate.endsWith('features.md'));
        holds(uri !== undefined, 'features.md is not listed');
        holds((await client.readResource({ uri })).contents[0].text.length > 0, 'features.md is empty');
        const { contents } = await client.readResource({ uri: 'demo://resource/dynamic/text/7' });
        holds(contents[0].text.includes('7'), 'the dynamic resource does not name its id');
    });
    await steps.step('twenty calls at once, each with its own answer', async () => {
        const echoes = await Promise.all(Array.from({ length: 20 }, (_, i) => call('echo', { message: `n${i}` })));
        same(
            echoes.map(text),
            echoes.map((_, i) => `Echo: n${i}`),
            'the echoes'
        );
    });
    const asking = {
        'trigger-sampling-request': [{ prompt: 'Hello?', maxTokens: 20 }, 'sampling', 'Paris'],
        'trigger-elicitation-request': [{}, 'form', 'User'],
        'get-roots-list': [{}, 'roots', 'file:///home/ada/work']
    };
    for (const [name, [args, kind, expected]] of Object.entries(asking)) {
        if (!tools.includes(name) && !tools.includes(prefix + name)) {
            steps.skip(name, 'not listed');
        } else {
            await steps.step(`${name} asks the client`, async () => {
                // This server fetches the roots once, after the handshake, and answers from memory later.
                const cached = kind === 'roots';
                person.takeAsked();
                await eventually(
                    async () => text(await call(name, args)).includes(expected),
                    `"${expected}" in the answer`
                );
                holds(cached || person.takeAsked().includes(kind), `${kind} was not asked`);
            });
        }
    }
}
