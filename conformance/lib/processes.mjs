// Starts the fixture, the gateway and other programs, and ends them by their process ids, whatever way a run ends.

import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const running = new Set();

/** Starts a process in a group of its own, so that what it starts ends with it. Its output goes to the log file. */
export function start(name, command, args, { cwd, env, log }) {
    mkdirSync(dirname(log), { recursive: true });
    const out = openSync(log, 'w');
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', out, out], detached: true });
    closeSync(out);
    const started = { name, child, log, ended: undefined };
    child.on('error', error => (started.ended = error.message));
    child.on('exit', (code, signal) => (started.ended ??= `it ended with ${signal ?? `code ${code}`}`));
    running.add(started);
    return started;
}

/** Runs a program to its end, or to the limit. Returns its exit code (undefined at the limit) and all it printed. */
export function run(command, args, limitMs) {
    return new Promise((resolve, reject) => {
        const env = { ...process.env, NO_COLOR: '1' };
        const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env, detached: true });
        const entry = { name: command, child, ended: undefined };
        running.add(entry);
        let text = '';
        for (const stream of [child.stdout, child.stderr]) {
            stream.setEncoding('utf8').on('data', chunk => (text += chunk));
        }
        const limit = setTimeout(() => signal(entry, 'SIGKILL'), limitMs);
        child.on('error', reject);
        child.on('close', code => {
            clearTimeout(limit);
            entry.ended = 'it ended';
            running.delete(entry);
            resolve({ code: code ?? undefined, text });
        });
    });
}

/** Waits until ready() answers something, and returns that. Fails when the process ends first or time is up. */
export async function until(started, seconds, ready) {
    const end = Date.now() + seconds * 1000;
    while (Date.now() < end) {
        if (started.ended !== undefined) {
            throw new Error(`${started.name} did not start: ${started.ended}\n${tail(started.log)}`);
        }
        const answer = await ready().catch(() => undefined);
        if (answer) {
            return answer;
        }
        await sleep(100);
    }
    throw new Error(`${started.name} was not ready after ${seconds} s\n${tail(started.log)}`);
}

export async function stopAll() {
    const open = [...running].filter(({ ended }) => ended === undefined);
    open.forEach(started => signal(started, 'SIGTERM'));
    const end = Date.now() + 10_000;
    while (open.some(({ ended }) => ended === undefined) && Date.now() < end) {
        await sleep(50);
    }
    open.filter(({ ended }) => ended === undefined).forEach(started => signal(started, 'SIGKILL'));
}

/** The last resort when nothing can be awaited any more. */
export function killAll() {
    running.forEach(started => started.ended === undefined && signal(started, 'SIGKILL'));
}

function signal({ child }, name) {
    try {
        process.kill(-child.pid, name);
    } catch {
        // It ended by itself in the meantime.
    }
}

export function tail(log, lines = 25) {
    const text = readFileSync(log, 'utf8').trimEnd().split('\n').slice(-lines);
    return text.map(line => `    | ${line}`).join('\n');
}

/** A port that was free a moment ago. */
export function freePort() {
    return new Promise((resolve, reject) => {
        const probe = createServer();
        probe.once('error', reject);
        probe.listen(0, '127.0.0.1', () => {
            const { port } = probe.address();
            probe.close(() => resolve(port));
        });
    });
}
