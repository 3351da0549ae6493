// The TypeScript SDK, first generation: it knows the legacy era only.

import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
    CreateMessageRequestSchema,
    ElicitRequestSchema,
    ListRootsRequestSchema,
    LoggingMessageNotificationSchema,
    ResourceUpdatedNotificationSchema,
    ToolListChangedNotificationSchema
} from '@modelcontextprotocol/sdk/types.js';

import { ABILITIES, ME } from './person.mjs';

/** See sdk-v2.mjs: the same shape, so that the steps need not know which SDK they use. */
export async function connect({ url, headers, person }) {
    const client = new Client(ME, { capabilities: ABILITIES });
    client.setRequestHandler(ElicitRequestSchema, request => person.elicit(request.params));
    client.setRequestHandler(CreateMessageRequestSchema, request => person.sample(request.params));
    client.setRequestHandler(ListRootsRequestSchema, () => person.roots());
    client.setNotificationHandler(LoggingMessageNotificationSchema, note => person.hear('log', note.params));
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, note => person.hear('updated', note.params));
    client.setNotificationHandler(ToolListChangedNotificationSchema, note => person.hear('tools', note.params));
    const transport = new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } });
    await client.connect(transport);
    return {
        client,
        era: 'legacy',
        version: transport.protocolVersion,
        session: () => transport.sessionId,
        call: (name, args = {}, options) => client.callTool({ name, arguments: args }, undefined, options),
        log: (name, args = {}) =>
            client.setLoggingLevel('debug').then(() => client.callTool({ name, arguments: args })),
        watch: async uri => {
            await client.subscribeResource({ uri });
            return () => client.unsubscribeResource({ uri });
        },
        ping: () => client.ping(),
        end: () => transport.terminateSession(),
        close: () => client.close()
    };
}
