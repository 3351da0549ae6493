// What the client does in each client scenario of the suite, once the gateway has got through to the scenario's server. A
// part gets the SDK's client, connected to the gateway; the mount there; the scenario's server itself, for what it says it
// has; the context that the suite hands to the client. A part throws when an answer is not the server's.

import { deepStrictEqual as same, ok } from 'node:assert';

const texts = result => result.content.map(({ text }) => text);

async function tool(client, name, args = {}) {
    const result = await client.callTool({ name, arguments: args });
    ok(!result.isError, `${name}: ${texts(result)}`);
    return result;
}

/** Accepts what a server asks for; a client that says it applies defaults fills them in afterwards. */
const accept = content => () => ({ action: 'accept', content });

const META = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'sluice-conformance-client', version: '1.0.0' },
    'io.modelcontextprotocol/clientCapabilities': {}
};

/** One request without the SDK, which leaves out tools and refuses calls by itself; returns the whole answer. */
async function bare(url, method, params = {}) {
    const response = await fetch(url, {
        method: 'POST',
        headers: {
            'content-type': 'application/json',
            accept: 'application/json, text/event-stream',
            'mcp-protocol-version': '2026-07-28',
            'mcp-method': method,
            ...(params.name && { 'mcp-name': params.name })
        },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { ...params, _meta: META } })
    });
    return response.json();
}

export const parts = {
    initialize: async ({ client }) => same((await client.listTools()).tools, []),

    'request-metadata': async ({ client }) => same((await client.listTools()).tools, []),

    tools_call: async ({ client }) => {
        await client.listTools();
        same(texts(await tool(client, 'add_numbers', { a: 5, b: 3 })), ['The sum of 5 and 3 is 8']);
    },

    'elicitation-sep1034-client-defaults': async ({ client }) => {
        client.setRequestHandler('elicitation/create', accept({}));
        const [text] = texts(await tool(client, 'test_client_elicitation_defaults'));
        ok(text.startsWith('Elicitation completed: ') && text.includes('John Doe'), text);
    },

    'sse-retry': async ({ client }) =>
        same(texts(await tool(client, 'test_reconnection')), ['Reconnection test completed successfully']),

    'sep-2322-client-request-state': async ({ client, mount }) => {
        const between = [];
        client.setRequestHandler('elicitation/create', async () => {
            between.push(...texts(await tool(client, 'test_mrtr_unrelated')));
            return { action: 'accept', content: { confirmed: true } };
        });
        same(texts(await tool(client, 'test_mrtr_echo_state')), ['echo-state-ok']);
        same(texts(await tool(client, 'test_mrtr_no_state')), ['no-state-ok']);
        // a result that does not say its type, which the gateway hands on as it is, and the SDK refuses
        const { result } = await bare(mount, 'tools/call', { name: 'test_mrtr_no_result_type', arguments: {} });
        same(texts(result), ['no-result-type-test-ok']);
        same(between, ['unrelated-ok', 'unrelated-ok']);
    },

    'http-standard-headers': async ({ client }) => {
        for (const { name } of (await client.listTools()).tools) {
            await tool(client, name);
        }
        for (const { uri } of (await client.listResources()).resources) {
            await client.readResource({ uri });
        }
        for (const { name } of (await client.listPrompts()).prompts) {
            await client.getPrompt({ name });
        }
    },

    'http-custom-headers': async ({ client, context }) => {
        await client.listTools();
        for (const { name, arguments: args } of context.toolCalls) {
            await tool(client, name, args);
        }
    },

    // every tool that the server has is called, also those the gateway must not list: it must not let them through either
    'http-invalid-tool-headers': async ({ mount, server }) => {
        const names = answer => answer.result.tools.map(({ name }) => name);
        same(names(await bare(mount, 'tools/list')), ['valid_tool']);
        for (const name of names(await bare(server, 'tools/list'))) {
            const { result } = await bare(mount, 'tools/call', { name, arguments: {} });
            same(result !== undefined && !result.isError, name === 'valid_tool', name);
        }
    },

    // the server knows the tool but has nothing behind it; that the call fails is right
    'json-schema-ref-no-deref': async ({ client }) => {
        const { tools } = await client.listTools();
        ok(JSON.stringify(tools[0].inputSchema).includes('/canary/'), 'the reference is left as it is');
        await client.callTool({ name: tools[0].name, arguments: { id: 'ada', profile: {} } }).catch(() => undefined);
    },

    'json-schema-2020-12-preservation': async ({ client }) => {
        const { tools } = await client.listTools();
        const { inputSchema } = tools.find(({ name }) => name !== 'json_schema_echo');
        await tool(client, 'json_schema_echo', { schema: inputSchema });
    }
};
