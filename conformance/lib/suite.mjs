// Runs one part of the official conformance suite against one URL and reads what it found.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { run as runProgram } from './processes.mjs';

/** The parts: which installed suite, and which of its scenarios. Frozen requirement sets where the suite has them. */
export const PARTS = {
    '2025-03-26': { folder: 'suite', all: ['--spec-version', '2025-03-26', '--suite', 'all'], version: '2025-03-26' },
    '2025-06-18': { folder: 'suite', all: ['--spec-version', '2025-06-18', '--suite', 'all'], version: '2025-06-18' },
    '2025-11-25': { folder: 'suite', all: ['--requirements', '2025-11-25'], version: '2025-11-25' },
    '2026-07-28': { folder: 'suite', all: ['--requirements', '2026-07-28'], version: '2026-07-28' },
    stable: { folder: 'suite-stable', all: ['--suite', 'all'] }
};

/** The parts in which the fixture speaks no revision that the suite does: a suite of PARTS, and the fixture's era. */
export const CROSS = {
    'old-to-new': { suite: '2025-11-25', era: 'modern' },
    'new-to-old': { suite: '2026-07-28', era: 'legacy' }
};

/** The tasks extension, which the fixture's SDK does not have: a fixture of its own. `tasks-status-notifications` checks nothing. */
export const TASKS = {
    suite: '2026-07-28',
    scenarios: [
        'tasks-lifecycle',
        'tasks-capability-negotiation',
        'tasks-wire-fields',
        'tasks-request-state-removal',
        'tasks-mrtr-input',
        'tasks-request-headers',
        'tasks-dispatch-and-envelope',
        'tasks-required-task-error',
        'tasks-mrtr-composition'
    ]
};

const SCENARIO_LIMIT_MS = 15_000;
const PART_LIMIT_MS = 120_000;

/**
 * Runs a part, or only the named scenarios of it.
 *
 * @returns a map from scenario to its checks, each {id, status, description, message}, in the order of the suite
 */
export async function runSuite({ home, part, url, scenarios, out }) {
    const { folder, all, version } = PARTS[part];
    rmSync(out, { recursive: true, force: true });
    mkdirSync(out, { recursive: true });
    const cli = join(home, folder, 'node_modules/.bin/conformance');
    const common = ['server', '--url', url, '-o', out];
    if (folder === 'suite') {
        common.push('--timeout', String(SCENARIO_LIMIT_MS));
    }
    if (scenarios.length === 0) {
        await run(cli, [...common, ...all], join(out, 'output.txt'));
    }
    for (const scenario of scenarios) {
        const select = version ? ['--spec-version', version, '--force'] : [];
        await run(cli, [...common, ...select, '--scenario', scenario], join(out, `${scenario}.txt`));
    }
    return read(out, scenarios);
}

async function run(cli, args, log) {
    const { code, text } = await runProgram(cli, args, PART_LIMIT_MS);
    writeFileSync(log, `${text}\nexit ${code ?? 'by the time limit of this run'}\n`);
}

function read(out, scenarios) {
    const found = new Map();
    for (const name of order(out, scenarios)) {
        found.set(name, []);
    }
    for (const folder of readdirSync(out)) {
        const file = join(out, folder, 'checks.json');
        const name = /^(?:server-)?(.+)-\d{4}-\d\d-\d\dT[\d-]+Z$/.exec(folder)?.[1];
        if (name !== undefined && existsSync(file)) {
            found.set(name, JSON.parse(readFileSync(file, 'utf8')).map(check));
        }
    }
    return found;
}

/** The scenarios that the suite said it would run, so that one which left no result is seen as such. */
function order(out, scenarios) {
    const log = join(out, 'output.txt');
    if (!existsSync(log)) {
        return scenarios;
    }
    const lines = readFileSync(log, 'utf8').matchAll(/^=== Running scenario: (\S+) ===$/gm);
    return [...lines].map(([, name]) => name);
}

function check({ id, status, description, errorMessage, details }) {
    const message = errorMessage ?? details?.error ?? details?.errors?.join?.('; ') ?? '';
    return { id, status, description, message: String(message), details };
}
