// The client scenarios of the suite, with the gateway's upstream leg as the client: each scenario is a server (and, where
// it wants tokens, an authorization server), and ../clients/upstream.mjs gets through to it.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { run } from './processes.mjs';

/** The revisions whose requirement sets have such scenarios. */
export const REVISIONS = ['2025-11-25', '2026-07-28'];

/** The parts of a run, and which scenarios are theirs. */
export const UPSTREAM = { upstream: () => true, auth: name => name.startsWith('auth/') };

/** In no requirement set, but of use: what the gateway does to the schemas of tools. */
const UNSCORED = ['json-schema-2020-12-preservation'];

const AT_ONCE = 3;
const SCENARIO_LIMIT_MS = 45_000;

/** The scored scenarios of a revision, as the suite lists them. */
async function scored(cli, revision) {
    const { text } = await run(cli, ['list', '--client', '--requirements', revision], SCENARIO_LIMIT_MS);
    const client = text.split(/^Client scenarios.*:$/m)[1]?.split(/^\S.*:$/m)[0] ?? '';
    return [...client.matchAll(/^\s+- (\S+)$/gm)].map(([, name]) => name);
}

/** Runs them through a gateway; returns {revision, name, passed, failed, warned, ok, why} in the order of the suite. */
export async function runUpstream({ home, part, gateway, scenarios, out }) {
    rmSync(out, { recursive: true, force: true });
    mkdirSync(out, { recursive: true });
    const cli = join(home, 'suite/node_modules/.bin/conformance');
    const runs = [];
    for (const revision of REVISIONS) {
        const wanted = name => UPSTREAM[part](name) && (scenarios.length === 0 || scenarios.includes(name));
        const names = [...(await scored(cli, revision)), ...UNSCORED].filter(wanted);
        runs.push(...names.map(name => ({ revision, name })));
    }
    const left = runs.entries();
    const worker = async () => {
        for (const [index, one] of left) {
            runs[index] = { ...one, ...(await runOne(cli, home, gateway, one, out)) };
        }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    return runs;
}

async function runOne(cli, home, gateway, { revision, name }, out) {
    const folder = join(out, revision);
    const command = `${process.execPath} ${join(home, 'clients/upstream.mjs')} --gateway ${gateway}`;
    const args = ['client', '--command', command, '--scenario', name, '--spec-version', revision, '-o', folder];
    const { code, text } = await run(cli, args, SCENARIO_LIMIT_MS);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${name.replace('/', '-')}.txt`), text);
    const count = status => checks(folder, name).filter(check => check.status === status).length;
    const [passed, failed, warned] = [count('SUCCESS'), count('FAILURE'), count('WARNING')];
    const why = checks(folder, name)
        .filter(check => check.status === 'FAILURE' || check.status === 'WARNING')
        .map(check => `${check.id}: ${check.errorMessage ?? check.description}`);
    return { passed, failed, warned, ok: code === 0 && passed > 0, why };
}

function checks(folder, name) {
    const short = name.split('/').at(-1);
    const parent = short === name ? folder : join(folder, name.split('/')[0]);
    const found = existsSync(parent) ? readdirSync(parent).filter(it => it.replace(/-\d{4}-\d\d-\d\dT.*$/, '') === short) : [];
    const file = found.length === 0 ? undefined : join(parent, found.sort().at(-1), 'checks.json');
    return file && existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : [];
}
