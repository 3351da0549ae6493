#!/usr/bin/env node
// Every kind of backend on one /mcp, and every tool of each called by a client of either era. "run" installs what it
// needs and starts it. Exit code 0 when every tool was called and answered, 1 when not.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { freePort, killAll, start, stopAll, until } from '../lib/processes.mjs';
import { Agent } from './client.mjs';
import { serve, services } from './rest-services.mjs';
import { sample } from './samples.mjs';

const here = import.meta.dirname;
const work = join(here, '../.work/federation');
const everything = join(here, 'node_modules/@modelcontextprotocol/server-everything/dist/index.js');
const AT_ONCE = 8;

/** What is short, where a sample would last or ask for more than there is. A tool that needs more than one call says why it is left out. */
const ARGUMENTS = {
    'trigger-long-running-operation': { duration: 0.2, steps: 2 },
    'gzip-file-as-resource': { name: 'a.gz', data: 'data:text/plain;base64,QQ==', outputType: 'resource' },
    Shop_Watch: { count: 3 },
    Till_Pay: { cents: '12', card: 'c' }
};

process.on('exit', killAll);
process.on('SIGINT', () => process.exit(130));
mkdirSync(work, { recursive: true });
const began = Date.now();

const rest = Object.fromEntries(
    await Promise.all(Object.entries(services).map(async ([name, service]) => [name, await serve(service)]))
);
const ports = { gateway: await freePort(), grpc: await freePort(), sse: await freePort(), http: await freePort() };
const grpc = start('grpc', process.execPath, [join(here, 'grpc-service.mjs'), ports.grpc], {
    log: join(work, 'grpc.log')
});
for (const [kind, word] of [
    ['sse', 'sse'],
    ['http', 'streamableHttp']
]) {
    const env = { ...process.env, PORT: ports[kind] };
    start(kind, process.execPath, [everything, word], { env, log: join(work, `${kind}.log`) });
}
await until(grpc, 30, () => fetch(`http://127.0.0.1:${ports.grpc}`).then(() => true, e => !`${e.cause?.code}`.includes('REFUSED')));

const config = join(work, 'mcp.json');
writeFileSync(
    config,
    JSON.stringify({
        server: { port: ports.gateway },
        mcpServers: {
            github: { openapi: `${rest.github.url}/openapi.json`, baseUrl: `${rest.github.url}/` },
            kubernetes: { openapi: `${rest.kubernetes.url}/openapi.json`, baseUrl: `${rest.kubernetes.url}/` },
            shop: { type: 'grpc', url: `http://127.0.0.1:${ports.grpc}` },
            'everything-stdio': { command: process.execPath, args: [everything, 'stdio'] },
            'everything-sse': { type: 'sse', url: `http://127.0.0.1:${ports.sse}/sse` },
            'everything-http': { url: `http://127.0.0.1:${ports.http}/mcp` }
        }
    })
);
const jar = join(here, '../../gateway-server/target/sluice.jar');
const gateway = start('gateway', 'java', ['-jar', jar, 'run', config], { log: join(work, 'gateway.log') });
const base = `http://127.0.0.1:${ports.gateway}`;
await until(gateway, 60, async () => (await fetch(`${base}/health`)).ok);

// The service registers itself, as it does in "option 1" of a remote registration.
const registered = await fetch(`${base}/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ serviceName: 'orders', endpoint: rest.orders.url, manifestUrl: '/v3/api-docs' })
});
if (registered.status !== 201) {
    throw new Error(`POST /register: ${registered.status} ${await registered.text()}`);
}

const names = ['orders', 'github', 'kubernetes', 'shop', 'everything-stdio', 'everything-sse', 'everything-http'];
const described = { orders: services.orders.operations, github: services.github.operations };
Object.assign(described, { kubernetes: services.kubernetes.operations, shop: 4 });
let wrong = 0;
let waits = 0;

/** Tools that ask their client something; this client cannot be asked. conformance/run's clients can. */
const ASKING = new Set([
    'get-roots-list',
    'trigger-elicitation-request',
    'trigger-elicitation-request-async',
    'trigger-sampling-request',
    'trigger-sampling-request-async',
    'trigger-url-elicitation'
]);

await until(gateway, 120, async () => {
    const { services: all } = await (await fetch(`${base}/services`)).json();
    return names.every(name => all.some(each => each.name === name && each.status === 'connected'));
});

// Connected is what discovery says; the lists of a thousand tools are rendered a moment later.
await until(gateway, 60, async () => {
    for (const name of names) {
        const tools = await patiently(async () => (await new Agent(`${base}/mcp/${name}`, true).connect()).tools());
        if (tools.length !== (described[name] ?? tools.length) || tools.length === 0) {
            return false;
        }
    }
    return true;
});

/** A gateway that is overloaded says when to come back; on a busy machine it may be. Those waits are counted and shown. */
async function patiently(act) {
    for (let left = 20; ; left--) {
        try {
            return await act();
        } catch (e) {
            const after = /"retryAfterMs":(\d+)/.exec(e.data?.text ?? e.message)?.[1];
            if (left === 0 || e.data?.status !== 503 || !after) {
                throw e;
            }
            waits++;
            await sleep(Math.min(Number(after), 5000));
        }
    }
}

for (const mode of ['legacy', 'modern']) {
    const modern = mode === 'modern';
    const agent = await patiently(() => new Agent(`${base}/mcp`, modern).connect());
    let sum = (await patiently(async () => (await new Agent(`${base}/mcp/gateway`, modern).connect()).tools())).length;
    for (const backend of names) {
        const alone = await patiently(() => new Agent(`${base}/mcp/${backend}`, modern).connect());
        const tools = await patiently(() => alone.tools());
        sum += tools.length;
        const failures = [];
        const started = Date.now();
        const asking = tools.filter(tool => ASKING.has(tool.name)).length;
        const waiting = tools.filter(tool => !ASKING.has(tool.name));
        const work = async () => {
            for (let tool = waiting.shift(); tool; tool = waiting.shift()) {
                const args = ARGUMENTS[tool.name] ?? sample(tool.inputSchema);
                try {
                    const name = `${backend}__${tool.name}`;
                    const result = await patiently(() => agent.call(name, args, tool));
                    if (result.isError) {
                        failures.push(`${tool.name}: ${result.content?.[0]?.text?.slice(0, 300)}`);
                    }
                } catch (e) {
                    failures.push(`${tool.name}: ${e.message?.slice(0, 300)}`);
                }
            }
        };
        await Promise.all(Array.from({ length: AT_ONCE }, work));
        const complete = described[backend] === undefined || described[backend] === tools.length;
        wrong += failures.length + (complete && tools.length > 0 ? 0 : 1);
        const told = complete ? '' : `, of ${described[backend]} described`;
        console.log(
            `${mode.padEnd(6)} ${backend.padEnd(16)} ${String(tools.length).padStart(4)} tools${told}, ` +
                `${tools.length - asking - failures.length} called and answered, ${failures.length} not` +
                `${asking > 0 ? `, ${asking} want a client that can be asked` : ''}, ${Date.now() - started} ms`
        );
        failures.slice(0, 10).forEach(failure => console.log(`       ${failure}`));
    }
    const listed = (await patiently(() => agent.tools())).map(({ name }) => name);
    if (sum !== listed.length || new Set(listed).size !== sum) {
        wrong++;
    }
    console.log(`${mode.padEnd(6)} /mcp lists ${listed.length} tools, the backends alone and the gateway's own are ${sum}`);
}
if (waits > 0) {
    console.log(`${waits} times the gateway was overloaded and asked to wait`);
}
console.log(`${wrong === 0 ? 'all is well' : `${wrong} wrong`} (${Math.round((Date.now() - began) / 1000)} s)`);
Object.values(rest).forEach(({ server }) => server.close());
await stopAll();
process.exit(wrong === 0 ? 0 : 1);
