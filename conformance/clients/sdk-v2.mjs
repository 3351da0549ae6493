// The TypeScript SDK, second generation: legacy, auto (asks the server which era it speaks) or modern (nothing else).

import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

import { ABILITIES, ME } from './person.mjs';

const MODES = { legacy: 'legacy', auto: 'auto', modern: { pin: '2026-07-28' } };

/**
 * Connects to an MCP endpoint.
 *
 * @param person who answers when the server asks for something, and hears its notifications
 * @param fetch  sends the requests; the platform's own unless given
 * @returns the SDK's client, the era it ended up in, and what the two generations and eras spell differently
 */
export async function connect({ url, headers, mode, person, fetch }) {
    const client = new Client(ME, { capabilities: ABILITIES, versionNegotiation: { mode: MODES[mode] } });
    client.setRequestHandler('elicitation/create', request => person.elicit(request.params));
    client.setRequestHandler('sampling/createMessage', request => person.sample(request.params));
    client.setRequestHandler('roots/list', () => person.roots());
    client.setNotificationHandler('notifications/message', note => person.hear('log', note.params));
    client.setNotificationHandler('notifications/resources/updated', note => person.hear('updated', note.params));
    client.setNotificationHandler('notifications/tools/list_changed', note => person.hear('tools', note.params));
    const transport = new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers }, fetch });
    await client.connect(transport);
    const modern = client.getProtocolEra() === 'modern';
    return {
        client,
        era: client.getProtocolEra(),
        version: client.getNegotiatedProtocolVersion(),
        session: () => transport.sessionId,
        call: (name, args = {}, options) => client.callTool({ name, arguments: args }, options),
        log: async (name, args = {}) => {
            if (modern) {
                const _meta = { 'io.modelcontextprotocol/logLevel': 'debug' };
                return client.callTool({ name, arguments: args, _meta });
            }
            await client.setLoggingLevel('debug');
            return client.callTool({ name, arguments: args });
        },
        watch: async uri => {
            if (modern) {
                const stream = await client.listen({ toolsListChanged: true, resourceSubscriptions: [uri] });
                return () => stream.close();
            }
            await client.subscribeResource({ uri });
            return () => client.unsubscribeResource({ uri });
        },
        ping: modern ? undefined : () => client.ping(),
        end: () => transport.terminateSession(),
        close: () => client.close()
    };
}
