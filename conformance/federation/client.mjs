// A client of either era that does nothing but what the call needs: the SDK's reads all lists of a session again and again,
// which with some 1,500 tools says more about the client than about the gateway.

const ME = { name: 'federation', version: '1' };
const MODERN = '2026-07-28';
const LEGACY = '2025-11-25';
const MIRRORED = { 'tools/call': 'name' };

export class Refused extends Error {
    constructor(status, text) {
        super(`${status} ${text}`);
        this.data = { status, text };
    }
}

export class Agent {
    #url;
    #headers;
    #modern;
    #id = 0;

    constructor(url, modern) {
        this.#url = url;
        this.#modern = modern;
        this.#headers = {
            'content-type': 'application/json',
            accept: 'application/json, text/event-stream',
            'mcp-protocol-version': modern ? MODERN : LEGACY
        };
    }

    /** Opens a session, where there are any. */
    async connect() {
        if (this.#modern) {
            return this;
        }
        const params = { protocolVersion: LEGACY, capabilities: {}, clientInfo: ME };
        const { result, session } = await this.#post('initialize', params);
        if (result.protocolVersion !== LEGACY || !session) {
            throw new Error(`no session of ${LEGACY}: ${JSON.stringify(result).slice(0, 200)}`);
        }
        this.#headers['mcp-session-id'] = session;
        return this;
    }

    async tools() {
        const tools = [];
        for (let cursor; ; ) {
            const { result } = await this.#post('tools/list', cursor === undefined ? {} : { cursor });
            tools.push(...result.tools);
            cursor = result.nextCursor;
            if (cursor === undefined) {
                return tools;
            }
        }
    }

    /** Calls a tool; one that runs only as a task is asked for as the era does that, and its task is the answer. */
    async call(name, args, tool) {
        const task = !this.#modern && tool?.execution?.taskSupport === 'required' ? { task: { ttl: 60_000 } } : {};
        const { result } = await this.#post('tools/call', { name, arguments: args, ...task });
        if (!result.content && !result.task && !result.resultType) {
            throw new Error(`no result of a call: ${JSON.stringify(result).slice(0, 300)}`);
        }
        return result;
    }

    async #post(method, params) {
        const id = ++this.#id;
        const headers = { ...this.#headers };
        if (this.#modern) {
            headers['mcp-method'] = method;
            if (MIRRORED[method]) {
                headers['mcp-name'] = params[MIRRORED[method]];
            }
            params._meta = {
                'io.modelcontextprotocol/protocolVersion': MODERN,
                'io.modelcontextprotocol/clientInfo': ME,
                'io.modelcontextprotocol/clientCapabilities': {}
            };
        }
        const body = JSON.stringify({ jsonrpc: '2.0', id, method, params });
        const response = await fetch(this.#url, { method: 'POST', headers, body });
        const text = await response.text();
        if (!response.ok) {
            throw new Refused(response.status, text);
        }
        const stream = response.headers.get('content-type').startsWith('text/event-stream');
        const messages = stream
            ? text.split('\n').filter(line => line.startsWith('data: ') && line.length > 6).map(line => JSON.parse(line.slice(6)))
            : [JSON.parse(text)];
        const answer = messages.find(message => message.id === id);
        if (!answer?.result) {
            throw new Error(JSON.stringify(answer?.error ?? text.slice(0, 300)));
        }
        return { result: answer.result, session: response.headers.get('mcp-session-id') };
    }
}
