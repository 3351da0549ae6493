// One conformance run from start to end: servers up, each part directly and through the gateway, the comparison.
// Called by ../run, which has installed what is needed and describes the options. Start reading at main().

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { clientRuns, runClient } from './client-runs.mjs';
import { freePort, killAll, start, stopAll, tail, until } from './processes.mjs';
import { better, directFaults, expectedFailures, explain, fails, score, total, worse } from './report.mjs';
import { runReplicas } from './replica-runs.mjs';
import { CROSS, PARTS, runSuite, TASKS } from './suite.mjs';
import { runUpstream, UPSTREAM } from './upstream-runs.mjs';

const home = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const repository = resolve(home, '..');
const results = join(home, '.work/results');
const started = Date.now();

// Settings of the person's shell that would make the gateway another one than the comparison needs.
const GATEWAY_SETTINGS = /^(HOST|PORT|MCP_.*|SLUICE_(?!JAVA_OPTS).*|REDIS_.*|TRANSPORT|ENABLE_MCP_.*)$/i;

class Usage extends Error {}

function options() {
    let values;
    try {
        ({ values } = parseArgs({
            options: {
                only: { type: 'string', multiple: true, default: [] },
                scenario: { type: 'string', multiple: true, default: [] },
                client: { type: 'string', default: '' },
                'direct-only': { type: 'boolean', default: false },
                'gateway-url': { type: 'string' },
                'fixture-url': { type: 'string' },
                'fixture-era': { type: 'string', default: 'dual' },
                keep: { type: 'boolean', default: false },
                verbose: { type: 'boolean', default: false }
            }
        }));
    } catch (e) {
        throw new Usage(e.message);
    }
    const only = values.only.flatMap(list => list.split(',')).filter(part => part !== '');
    const known = [...Object.keys(PARTS), ...Object.keys(CROSS), 'tasks', ...Object.keys(UPSTREAM), 'clients', 'replicas'];
    const unknown = only.find(part => !known.includes(part));
    if (unknown) {
        throw new Usage(`--only ${unknown}: there are ${known.join(', ')}`);
    }
    if (!['dual', 'legacy', 'modern'].includes(values['fixture-era'])) {
        throw new Usage(`--fixture-era ${values['fixture-era']}: there are dual, legacy, modern`);
    }
    if (values['direct-only'] && values['gateway-url']) {
        throw new Usage('--direct-only and --gateway-url exclude each other');
    }
    const elsewhere = values['direct-only'] ? '--direct-only' : values['gateway-url'] && '--gateway-url';
    if (elsewhere && only.includes('replicas')) {
        throw new Usage(`--only replicas starts two gateways of its own, which ${elsewhere} excludes`);
    }
    const scenarios = values.scenario;
    const all = known.filter(part => part !== 'auth'); // which is in upstream
    const parts = only.length > 0 ? only : all.filter(part => scenarios.length === 0 || part in PARTS || part in CROSS);
    return { ...values, parts, scenarios };
}

async function main() {
    const chosen = options();
    rmSync(join(results, 'logs'), { recursive: true, force: true });
    const alone = [...Object.keys(UPSTREAM), 'replicas'];
    const urls = chosen.parts.every(part => alone.includes(part)) ? {} : await servers(chosen);
    const faults = [];
    const summary = [];
    const expected = expectedFailures(join(home, 'expected-failures.yml'));
    for (const part of chosen.parts.filter(part => part in PARTS)) {
        const row = await comparePart(chosen, part, urls, expected.get(part) ?? new Set(), faults);
        summary.push(row);
    }
    for (const part of urls.crossed ? chosen.parts.filter(part => part in CROSS) : []) {
        summary.push(await compareCross(chosen, part, urls, expected.get(part) ?? new Set(), faults));
    }
    if (chosen.parts.includes('tasks') && urls.tasks) {
        summary.push(await compareTasks(chosen, urls, faults));
    }
    const upstream = chosen['direct-only'] || chosen['gateway-url'] ? [] : chosen.parts.filter(part => part in UPSTREAM);
    for (const part of upstream) {
        summary.push(await judgeUpstream(chosen, part, faults));
    }
    if (chosen.parts.includes('clients')) {
        summary.push(await compareClients(chosen, urls, faults));
    }
    if (chosen.parts.includes('replicas') && !chosen['direct-only'] && !chosen['gateway-url']) {
        summary.push(await judgeReplicas(chosen, faults));
    }
    finish(chosen, summary, faults);
    if (chosen.keep) {
        await keepRunning(urls);
    }
    return faults.length === 0 ? 0 : 1;
}

/** Starts what is not running yet, and returns where everything is. */
async function servers(chosen) {
    const era = chosen['fixture-era'];
    const wantsClients = chosen.parts.includes('clients');
    const direct = chosen['fixture-url'] ?? (await fixture('fixture', 'dual'));
    const tasks = chosen.parts.includes('tasks') ? await tasksFixture('fixture-tasks') : undefined;
    const everything = wantsClients && !chosen['gateway-url'] ? await everythingServer() : undefined;
    if (chosen['direct-only']) {
        return { direct, everything, tasks };
    }
    if (chosen['gateway-url']) {
        const single = chosen['gateway-url'].replace(/\/$/, '');
        return { direct, gateway: single, mount: single.split('/').at(-1), aggregate: dirname(single), era };
    }
    // Its own fixture process, so that what one side does to it is not seen by the other.
    const behind = await fixture('fixture-behind', era);
    const backends = { fixture: behind, ...(everything && { everything }) };
    if (everything) {
        // The same server by its other transports. Not on the aggregate, where its tools are once already.
        Object.assign(backends, {
            'everything-stdio': { command: process.execPath, args: [everythingScript, 'stdio'], aggregate: false },
            'everything-sse': { type: 'sse', url: await everythingOverSse(), aggregate: false }
        });
    }
    if (tasks) {
        backends.tasks = { type: 'http', url: await tasksFixture('fixture-tasks-behind'), aggregate: false };
    }
    const aggregate = await gateway(backends);
    const bridged = wantsClients ? Object.values(CROSS) : chosen.parts.filter(part => part in CROSS).map(part => CROSS[part]);
    const eras = [...new Set(bridged.map(cross => cross.era))];
    const crossed = eras.length > 0 ? await crossedGateway(eras) : undefined;
    return { direct, everything, gateway: `${aggregate}/fixture`, mount: 'fixture', aggregate, era, crossed, tasks };
}

/** A gateway of its own for the cross parts, so that what the clients find on the aggregate stays the same. */
async function crossedGateway(eras) {
    const backends = {};
    for (const era of eras) {
        backends[era] = await fixture(`fixture-${era}`, era);
    }
    return gateway(backends, 'gateway-crossed');
}

async function fixture(name, era) {
    const log = join(results, 'logs', `${name}.log`);
    const args = [join(home, 'fixture/server.mjs'), '--port', '0', '--era', era];
    const env = { ...process.env, HOST: '127.0.0.1', FIXTURE_TOKEN: '' };
    const server = start(name, process.execPath, args, { env, log });
    return until(server, 20, async () => /listening on (\S+)/.exec(tail(log))?.[1]);
}

async function tasksFixture(name) {
    const log = join(results, 'logs', `${name}.log`);
    const server = start(name, process.execPath, [join(home, 'fixture/tasks.mjs')], { env: { ...process.env, PORT: '0' }, log });
    return until(server, 20, async () => /listening on (\S+)/.exec(tail(log))?.[1]);
}

const everythingScript = join(home, 'clients/node_modules/@modelcontextprotocol/server-everything/dist/index.js');

async function everythingServer() {
    return `${await everythingBy('streamableHttp', 'everything')}/mcp`;
}

/** HTTP+SSE, the transport of 2024-11-05. */
async function everythingOverSse() {
    return `${await everythingBy('sse', 'everything-sse')}/sse`;
}

async function everythingBy(transport, name) {
    const port = await freePort();
    const log = join(results, 'logs', `${name}.log`);
    const env = { ...process.env, PORT: String(port) };
    const server = start(`server-${name}`, process.execPath, [everythingScript, transport], { env, log });
    await until(server, 20, async () => /(listening|running) on port/.test(tail(log)));
    return `http://127.0.0.1:${port}`;
}

/** Starts the gateway with these backends and waits until it lists the tools of the fixture; returns its aggregate. */
async function gateway(backends, name = 'gateway', more = {}) {
    const port = await freePort();
    const config = join(results, 'logs', `${name}.json`);
    const mcpServers = Object.fromEntries(
        Object.entries(backends).map(([name, it]) => [name, typeof it === 'string' ? { type: 'http', url: it } : it])
    );
    mkdirSync(dirname(config), { recursive: true });
    // qualified, so that clients find the names they call in the list: they mirror arguments only of tools they know
    writeFileSync(config, JSON.stringify({ names: 'qualified', mcpServers, ...more }, undefined, 2));
    const env = gatewayEnvironment();
    const args = ['run', config, '--host', '127.0.0.1', '--port', String(port)];
    const log = join(results, 'logs', `${name}.log`);
    const server = start('the gateway', join(repository, 'sluice'), args, { cwd: repository, env, log });
    const base = `http://127.0.0.1:${port}`;
    await until(server, 240, async () => (await fetch(`${base}/health`, { signal: AbortSignal.timeout(2000) })).ok);
    for (const name of Object.keys(backends)) {
        await until(server, 30, async () => listsTools(`${base}/mcp/${name}`)).catch(error => {
            throw new Error(`the gateway does not list the tools of ${name}: ${error.message}`);
        });
    }
    return `${base}/mcp`;
}

function gatewayEnvironment() {
    return Object.fromEntries(Object.entries(process.env).filter(([name]) => !GATEWAY_SETTINGS.test(name)));
}

async function listsTools(url) {
    const response = await fetch(url, {
        method: 'POST',
        headers: {
            'content-type': 'application/json',
            accept: 'application/json, text/event-stream',
            'mcp-protocol-version': '2026-07-28',
            'mcp-method': 'tools/list'
        },
        body: JSON.stringify({
            jsonrpc: '2.0',
            id: 1,
            method: 'tools/list',
            params: {
                _meta: {
                    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
                    'io.modelcontextprotocol/clientCapabilities': {}
                }
            }
        }),
        signal: AbortSignal.timeout(5000)
    });
    return /"inputSchema"/.test(await response.text());
}

/** What the suites found directly, by part: the cross parts are held against the same. */
const directly = new Map();

/**
 * A suite of one era through the gateway to a fixture of the other. What passes directly must pass here, except for the
 * scenarios that expected-failures.yml names with the reason; each of those must really differ.
 */
async function compareCross(chosen, part, urls, excepted, faults) {
    const { suite, era } = CROSS[part];
    const scenarios = chosen.scenarios;
    const out = side => join(results, part, side);
    const direct =
        directly.get(suite) ?? (await runSuite({ home, part: suite, url: urls.direct, scenarios, out: out('direct') }));
    const url = `${urls.crossed}/${era}`;
    const through = await runSuite({ home, part: suite, url, scenarios, out: out('gateway') });

    console.log(`\n== ${part}: suite ${suite}, and behind the gateway a fixture that is ${era} only\n`);
    if (direct.size === 0) {
        faults.push(`${part}: the suite ran no scenario, see ${out('direct')}/output.txt`);
    }
    const width = Math.max(...[...direct.keys()].map(name => name.length), 20) + 2;
    console.log(line('passed/failed'.padEnd(width), 'directly', 'bridged', ''));
    let same = 0;
    for (const [name, before] of direct) {
        const after = through.get(name) ?? [];
        const lost = worse(before, after);
        const verdict = lost.length === 0 ? 'same' : excepted.has(name) ? 'differs, as listed' : 'WORSE';
        console.log(line(name.padEnd(width), cell(before), cell(after), verdict));
        same += verdict === 'same' ? 1 : 0;
        if (verdict === 'WORSE') {
            faults.push(`${part} ${name}: worse through the bridge`);
            lost.forEach(check => console.log(explain(check)));
            console.log(`    files    ${out('gateway')}`);
        } else if (verdict === 'same' && excepted.has(name)) {
            faults.push(`${part} ${name}: is listed in expected-failures.yml and is the same`);
        }
    }
    return { part, direct: total(direct), through: total(through), same, of: direct.size };
}

/** The tasks extension, against the fixture that has it. */
function compareTasks(chosen, urls, faults) {
    const wanted = TASKS.scenarios.filter(name => chosen.scenarios.length === 0 || chosen.scenarios.includes(name));
    const places = { direct: urls.tasks, gateway: urls.gateway && `${urls.aggregate}/tasks` };
    return comparePart({ ...chosen, scenarios: wanted }, 'tasks', places, new Set(), faults, TASKS.suite);
}

async function comparePart(chosen, part, urls, expected, faults, suite = part) {
    const out = side => join(results, part, side);
    const scenarios = chosen.scenarios;
    const run = (side, url) => runSuite({ home, part: suite, url, scenarios, out: out(side) });
    // the tasks of the extension take their time, and each side has a fixture of its own
    const atOnce = suite === part ? undefined : urls.gateway && run('gateway', urls.gateway);
    const direct = await run('direct', urls.direct);
    const through = await (atOnce ?? (urls.gateway && run('gateway', urls.gateway)));
    directly.set(part, direct);

    console.log(`\n== ${part}\n`);
    if (direct.size === 0) {
        faults.push(`${part}: the suite ran no scenario, see ${out('direct')}/output.txt`);
    }
    for (const fault of directFaults(direct, expected)) {
        faults.push(`${part} ${fault.name}: ${fault.text}`);
        console.log(`  ${fault.name} ${fault.text}`);
        fault.checks.forEach(check => console.log(explain(check)));
    }
    const width = Math.max(...[...direct.keys()].map(name => name.length), 20) + 2;
    console.log(line('passed/failed'.padEnd(width), 'directly', through ? 'gateway' : '', ''));
    let same = 0;
    for (const [name, before] of direct) {
        const after = through?.get(name) ?? [];
        const lost = through ? worse(before, after) : [];
        const verdict = !through ? '' : lost.length > 0 ? 'WORSE' : better(before, after) ? 'better' : 'same';
        if (verdict === 'same' || (!through && !fails(before))) {
            same++;
        }
        const cells = through ? [cell(before), cell(after), verdict] : [cell(before), '', ''];
        console.log(line(name.padEnd(width), ...cells));
        if (lost.length > 0) {
            faults.push(`${part} ${name}: worse through the gateway`);
            lost.forEach(check => console.log(explain(check)));
            console.log(`    files    ${out('gateway')}`);
        }
    }
    return { part, direct: total(direct), through: through && total(through), same, of: direct.size };
}

function line(name, direct, through, verdict) {
    return `  ${name}${direct.padEnd(16)}${through.padEnd(16)}${verdict}`.trimEnd();
}

function cell(checks) {
    const { passed, failed, warned } = score(checks);
    return checks.length === 0 ? 'no result' : `${passed}/${failed}${warned > 0 ? ` (${warned} warn)` : ''}`;
}

async function compareClients(chosen, urls, faults) {
    console.log('\n== clients (steps ok/failed)\n');
    const rows = [];
    for (const run of clientRuns(urls).filter(({ name }) => name.includes(chosen.client))) {
        const { ok, failed, output, command } = await runClient(home, run, join(results, 'clients'));
        console.log(`  ${run.name.padEnd(52)}${`${ok}/${failed}`.padEnd(8)}${failed > 0 ? 'FAILED' : ''}`.trimEnd());
        const shown = chosen.verbose ? output : failed > 0 ? output.filter(text => !/^(ok|skip) /.test(text)) : [];
        shown.forEach(text => console.log(`    ${text}`));
        if (failed > 0) {
            console.log(`    again: node ${command.join(' ')}`);
            faults.push(`clients, ${run.name}: ${failed} step(s) failed`);
        }
        rows.push({ ok, failed });
    }
    if (rows.length === 0) {
        faults.push(`clients: no run has "${chosen.client}" in its name`);
    }
    const sum = key => rows.reduce((n, row) => n + row[key], 0);
    return { part: 'clients', clients: `${rows.length} runs, steps ${sum('ok')}/${sum('failed')}` };
}

/** The client scenarios: the gateway's upstream leg is the client, behind the TypeScript SDK. */
async function judgeUpstream(chosen, part, faults) {
    // the address that the suite expects a client's metadata document at; nobody fetches it there
    const server = { publicUrl: 'https://conformance-test.local' };
    const through = (await gateway({}, `gateway-${part}`, { server })).replace(/\/mcp$/, '');
    const out = join(results, part);
    const rows = await runUpstream({ home, part, gateway: through, scenarios: chosen.scenarios, out });
    console.log(`\n== ${part}: client scenarios of the suite, with the gateway between the SDK and the scenario\n`);
    for (const { revision, name, passed, failed, warned, ok, why } of rows) {
        const score = `${passed}/${failed}${warned > 0 ? ` (${warned} warn)` : ''}`;
        console.log(`  ${revision}  ${name.padEnd(40)}${score.padEnd(16)}${ok ? '' : 'FAILED'}`.trimEnd());
        if (!ok) {
            faults.push(`${part}, ${revision} ${name}: see ${out}`);
            why.forEach(text => console.log(`    ${text}`));
        }
    }
    if (rows.length === 0) {
        faults.push(`${part}: the suite listed no scenario`);
    }
    const sum = key => rows.reduce((n, row) => n + row[key], 0);
    const good = rows.filter(row => row.ok).length;
    return { part, clients: '-', through: `${good}/${rows.length}, checks ${sum('passed')}/${sum('failed')}` };
}

/** Two replicas on one Redis: questions answered at the one that does not have the call, and one killed meanwhile. */
async function judgeReplicas(chosen, faults) {
    const env = gatewayEnvironment();
    const { origin, rows } = await runReplicas({ home, repository, results, fixture, listsTools, env });
    console.log(`\n== replicas: two gateways on ${origin} (steps ok/failed)\n`);
    for (const { name, ok, failed, output, millis } of rows) {
        const figures = output.find(text => text.startsWith('figures: '))?.slice('figures: '.length) ?? '';
        console.log(`  ${name.padEnd(46)}${`${ok}/${failed}`.padEnd(8)}${(millis / 1000).toFixed(1)} s; ${figures}`);
        const shown = chosen.verbose ? output : output.filter(text => failed > 0 && !/^(ok|figures:) /.test(text));
        shown.forEach(text => console.log(`    ${text}`));
        if (failed > 0) {
            faults.push(`replicas, ${name}: ${failed} step(s) failed`);
        }
    }
    const sum = key => rows.reduce((n, row) => n + row[key], 0);
    return { part: 'replicas', clients: '-', through: `${rows.length} runs, steps ${sum('ok')}/${sum('failed')}` };
}

function finish(chosen, summary, faults) {
    const side = t => (t ? `${t.good}/${t.scenarios}, checks ${t.passed}/${t.failed}` : '-');
    console.log('\n== Summary (scenarios passed/run, checks passed/failed)\n');
    const row = (part, direct, through, same) =>
        console.log(`  ${part.padEnd(14)}${direct.padEnd(26)}${through.padEnd(26)}${same}`.trimEnd());
    row('part', 'directly', 'through the gateway', 'scenarios that are the same');
    for (const { part, direct, through, same, of, clients } of summary) {
        if (clients) {
            row(part, clients, through ?? '', '');
        } else {
            row(part, side(direct), side(through), through ? `${same}/${of}` : '');
        }
    }
    console.log('');
    if (faults.length > 0) {
        console.log(`FAILED, ${faults.length} difference(s):`);
        faults.forEach(fault => console.log(`  ${fault}`));
    } else {
        console.log(
            chosen['direct-only'] ? 'OK: the fixture scores as expected' : 'OK: the gateway scores as the fixture does'
        );
    }
    console.log(`${Math.round((Date.now() - started) / 1000)} s; results in ${results}`);
}

async function keepRunning(urls) {
    console.log('\nStill running until Ctrl-C:');
    const places = Object.entries(urls).filter(([, url]) => url?.startsWith?.('http'));
    places.forEach(([name, url]) => console.log(`  ${name.padEnd(12)}${url}`));
    const alive = setInterval(() => {}, 60_000);
    await interrupted;
    clearInterval(alive);
}

let interrupt;
const interrupted = new Promise(resolve => (interrupt = resolve));
let signals = 0;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
        interrupt();
        if (++signals > 1) {
            process.exit(130);
        }
        void stopAll().then(() => process.exit(130));
    });
}
process.on('exit', killAll);

main()
    .catch(error => {
        console.error(`conformance: ${error.message}`);
        if (error instanceof Usage) {
            console.error('"conformance/run --help" lists the options.');
        }
        return 2;
    })
    .then(async code => {
        await stopAll();
        process.exit(code);
    });
