// Which real client talks to which endpoint, and how one such run is made. The clients are in ../clients.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { run } from './processes.mjs';

const SDKS = [
    ['SDK v1', ['check.mjs', '--sdk', 'v1'], 'legacy'],
    ['SDK v2 legacy', ['check.mjs', '--sdk', 'v2', '--mode', 'legacy'], 'legacy'],
    ['SDK v2 auto', ['check.mjs', '--sdk', 'v2', '--mode', 'auto'], 'auto'],
    ['SDK v2 modern', ['check.mjs', '--sdk', 'v2', '--mode', 'modern'], 'modern']
];
const INSPECTORS = ['legacy', 'auto', 'modern'].map(mode => [
    `Inspector ${mode}`,
    ['inspector.mjs', '--mode', mode],
    mode
]);
const RUN_LIMIT_MS = 180_000;

/** All runs for the endpoints that are there: {name, args}. Direct ones come first: they show the clients are right. */
export function clientRuns({ direct, everything, gateway, aggregate, mount, crossed }) {
    const runs = [];
    const add = ([client, args, mode], where, target, url, more = []) => {
        const name = `${client} ${where}`;
        runs.push({ name, args: [...args, '--target', target, '--url', url, ...more] });
    };
    for (const client of [...SDKS, ...INSPECTORS]) {
        add(client, 'to the fixture', 'fixture', direct);
        // That server knows nothing of the modern era, so a client that insists on it gets nowhere without the gateway.
        if (everything && client[2] !== 'modern') {
            add(client, 'to everything', 'everything', everything);
        }
    }
    if (gateway) {
        for (const client of [...SDKS, ...INSPECTORS]) {
            add(client, 'through the gateway to the fixture', 'fixture', gateway);
        }
    }
    if (gateway && everything) {
        for (const client of [...SDKS, ...INSPECTORS]) {
            const url = `${aggregate}/everything`;
            add(client, 'through the gateway to everything', 'everything', url);
        }
        for (const client of SDKS) {
            add(client, 'through the gateway to everything over stdio', 'everything', `${aggregate}/everything-stdio`);
            add(client, 'through the gateway to everything over SSE', 'everything', `${aggregate}/everything-sse`);
        }
        for (const client of SDKS) {
            add(client, 'through the gateway to both', 'federation', aggregate);
        }
        for (const client of INSPECTORS) {
            add(client, 'through the gateway to both', 'fixture', aggregate, ['--prefix', `${mount}__`]);
        }
    }
    // a client of one era and a fixture of the other: every question to the person goes over the bridge
    for (const [client, ...rest] of crossed ? SDKS : []) {
        const era = rest[1] === 'legacy' ? 'modern' : 'legacy';
        add([client, ...rest], `over the bridge to the ${era} fixture`, 'fixture', `${crossed}/${era}`);
    }
    return runs;
}

/** Makes one run, keeps its output in the folder, and counts its steps. */
export async function runClient(home, { name, args }, folder) {
    const [script, ...rest] = args;
    const command = [join(home, 'clients', script), ...rest];
    const { code, text } = await run(process.execPath, command, RUN_LIMIT_MS);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${name.replaceAll(' ', '-')}.txt`), `node ${command.join(' ')}\n\n${text}`);
    const output = text.trimEnd().split('\n');
    const ok = output.filter(line => line.startsWith('ok ')).length;
    const failed = output.filter(line => line.startsWith('FAIL ')).length;
    // A client that ends otherwise than with its count (a crash, the limit) has failed, whatever it printed before.
    return { ok, failed: failed === 0 && code !== 0 ? 1 : failed, output, command };
}
