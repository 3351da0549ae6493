// Compares what the suite found directly with what it found through the gateway, check by check.

import { readFileSync } from 'node:fs';

/** Reads expected-failures.yml: parts as keys, scenario names as list items, comments. Nothing else of YAML. */
export function expectedFailures(file) {
    const expected = new Map();
    let part;
    for (const [index, line] of readFileSync(file, 'utf8').split('\n').entries()) {
        const text = line.replace(/#.*/, '').trimEnd();
        const key = /^(\S+):$/.exec(text);
        const item = /^\s+- (\S+)$/.exec(text);
        if (key) {
            part = key[1];
            expected.set(part, new Set());
        } else if (item && part) {
            expected.get(part).add(item[1]);
        } else if (text !== '') {
            throw new Error(`${file}:${index + 1}: expected "part:" or "  - scenario"`);
        }
    }
    return expected;
}

export function score(checks) {
    const count = status => checks.filter(check => check.status === status).length;
    return { passed: count('SUCCESS'), failed: count('FAILURE'), warned: count('WARNING') };
}

export const fails = checks => checks === undefined || checks.length === 0 || score(checks).failed > 0;

export function total(results) {
    const lists = [...results.values()];
    const sum = key => lists.reduce((n, checks) => n + score(checks)[key], 0);
    const good = lists.filter(checks => !fails(checks)).length;
    return { good, scenarios: lists.length, passed: sum('passed'), failed: sum('failed') };
}

/** What is wrong with the direct side: a failure that nobody expects, or an expected one that is gone. */
export function directFaults(results, expected) {
    const faults = [];
    for (const [name, checks] of results) {
        if (fails(checks) && !expected.has(name)) {
            faults.push({ name, text: 'fails directly and is not in expected-failures.yml', checks: bad(checks) });
        } else if (!fails(checks) && expected.has(name)) {
            faults.push({ name, text: 'is in expected-failures.yml and passes directly', checks: [] });
        }
    }
    return faults;
}

/**
 * The checks of one scenario that are worse through the gateway; empty when the gateway does as well or better. A check
 * that the suite itself reports as INFO ("optional, not done here") is neither better nor worse: the gateway answers lists
 * as JSON where the fixture streams them, which the protocol leaves to the server.
 */
export function worse(direct, through) {
    if (direct.length > 0 && (through === undefined || through.length === 0)) {
        return [{ id: '(no result)', status: 'FAILURE', description: 'The scenario gave no result', message: '' }];
    }
    const found = [];
    for (const id of new Set([...direct, ...(through ?? [])].map(check => check.id))) {
        const before = direct.filter(check => check.id === id);
        const after = (through ?? []).filter(check => check.id === id);
        const a = score(before);
        const b = score(after);
        if (b.failed > a.failed || b.warned > a.warned) {
            found.push(...bad(after));
        } else if (b.passed < a.passed && !after.some(check => check.status === 'INFO')) {
            const skipped = after.filter(check => check.status !== 'SUCCESS');
            const missing = { id, status: 'MISSING', description: `Passed ${a.passed} times directly`, message: '' };
            found.push(...(skipped.length > 0 ? skipped : [missing]));
        }
    }
    return found;
}

function bad(checks) {
    return checks.filter(({ status }) => status === 'FAILURE' || status === 'WARNING');
}

export function better(direct, through) {
    return worse(through ?? [], direct).length > 0;
}

/** One failing check, for a person: what was checked, what was found, and the detail that the suite kept. */
export function explain({ id, status, description, message, details }) {
    const lines = [`    ${status.padEnd(8)} ${id}`, `             ${description}`];
    if (message !== '') {
        lines.push(
            ...message
                .split('\n')
                .slice(0, 12)
                .map(line => `             > ${line}`)
        );
    }
    const rest = JSON.stringify(details ?? {});
    if (rest !== '{}') {
        lines.push(`             ${rest.length > 900 ? `${rest.slice(0, 900)} …` : rest}`);
    }
    return lines.join('\n');
}
