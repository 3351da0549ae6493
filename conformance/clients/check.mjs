#!/usr/bin/env node
// Uses an MCP endpoint as an agent does, with a client of the TypeScript SDK, and checks every answer.
//
//   node check.mjs --sdk v1|v2 [--mode legacy|auto|modern] --target fixture|everything|federation --url URL
//
// Other options: --prefix P (put before the names of tools and prompts), --token T (bearer token).
// Exit code 0 when all steps are ok.

import { parseArgs } from 'node:util';

import { everything } from './everything-steps.mjs';
import { federation } from './federation-steps.mjs';
import { fixture } from './fixture-steps.mjs';
import { Person } from './person.mjs';
import { connect as connectV1 } from './sdk-v1.mjs';
import { connect as connectV2 } from './sdk-v2.mjs';
import { holds, Steps } from './steps.mjs';

const { values: options } = parseArgs({
    options: {
        sdk: { type: 'string', default: 'v2' },
        mode: { type: 'string', default: 'legacy' },
        target: { type: 'string', default: 'fixture' },
        url: { type: 'string' },
        prefix: { type: 'string', default: '' },
        token: { type: 'string' }
    }
});
const connect = { v1: connectV1, v2: connectV2 }[options.sdk];
const target = { fixture, everything, federation }[options.target];
if (!connect || !target || !options.url || !['legacy', 'auto', 'modern'].includes(options.mode)) {
    console.error(
        'Usage: node check.mjs --sdk v1|v2 [--mode legacy|auto|modern] --target fixture|everything|federation --url URL'
    );
    process.exit(2);
}

const steps = new Steps();
const person = new Person();
const headers = options.token ? { authorization: `Bearer ${options.token}` } : {};
const peer = await steps.step(`connects (SDK ${options.sdk}, ${options.mode})`, async () => {
    const connected = await connect({ url: options.url, headers, mode: options.mode, person });
    const { era, version } = connected;
    holds(options.mode !== 'modern' || era === 'modern', `the era is ${era}, expected modern`);
    holds(options.mode !== 'legacy' || era === 'legacy', `the era is ${era}, expected legacy`);
    holds(era !== 'modern' || version === '2026-07-28', `the version is ${version}`);
    holds(era !== 'legacy' || version === '2025-11-25', `the version is ${version}`);
    return connected;
});
if (peer) {
    await target({ steps, peer, person, prefix: options.prefix });
    await steps.step('closes', async () => {
        await peer.end();
        await peer.close();
    });
}
process.exit(steps.end());
