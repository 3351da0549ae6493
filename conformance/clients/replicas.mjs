#!/usr/bin/env node
// Uses two replicas of the gateway with the TypeScript SDK's client, pinned to each era, before a backend of the other
// era that asks. A balancer of its own sends the requests to the replicas in turn, and the answer to a question always
// to the replica that does not have the call.
//
//   node replicas.mjs --replica URL --replica URL                 the answers arrive at the other replica
//   node replicas.mjs --replica URL --replica URL --kill PID      the same, and the first replica, of which PID is the
//                                                                 process, is killed (kill -9) while its calls wait
//
// URL is the aggregate; the backends are mounted there as "legacy" and "modern". Exit code 0 when all steps are ok.

import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { Person } from './person.mjs';
import { connect } from './sdk-v2.mjs';
import { holds, refused, same, Steps } from './steps.mjs';

const CALLS = {
    elicitation: {
        name: 'test_elicitation',
        args: { message: 'Shall we?' },
        asks: ['form'],
        answer: 'User response: action=accept, content={"response":"yes, please"}'
    },
    sampling: {
        name: 'test_sampling',
        args: { prompt: 'Capital of France?' },
        asks: ['sampling'],
        answer: 'LLM response: Paris, I think'
    },
    'two forms, one after the other': {
        name: 'test_input_required_result_multi_round',
        args: {},
        asks: ['form', 'form'],
        answer: 'Ada likes green.'
    }
};

// What a client is told whose call was lost with its replica: docs/bridging.md, docs/reliability.md.
const LOST = {
    modern: { code: -32602, message: 'request state expired, call again' },
    legacy: {
        code: -32603,
        message: 'The replica of the gateway that served this call was lost; whether the call took effect is unknown'
    }
};

/** A fetch that balances over the replicas, and remembers where calls and answers went. */
class Balancer {
    calls = [];
    answers = [];
    #turn = 0;
    #callsTo;
    #gone = new Set();

    constructor(replicas) {
        this.replicas = replicas;
    }

    /** From now on calls go to this replica, and answers to another, as long as there is one. */
    callsTo(index) {
        this.#callsTo = index;
        this.calls = [];
        this.answers = [];
    }

    /** Sends it nothing any more. */
    leave(index) {
        this.#gone.add(index);
    }

    fetch = (url, init) => {
        const kind = kindOf(init?.body);
        let index = kind === 'other' || this.#callsTo === undefined ? this.#turn++ % 2 : this.#callsTo;
        if (kind === 'answer' && this.#callsTo !== undefined) {
            index = 1 - this.#callsTo;
        }
        if (this.#gone.has(index)) {
            index = 1 - index;
        }
        (kind === 'call' ? this.calls : kind === 'answer' ? this.answers : []).push(index);
        const { pathname } = new URL(url);
        return fetch(new URL(pathname, this.replicas[index]), init);
    };
}

/** A call, an answer to a question (a call made again with it, or a response of its own), or something else. */
function kindOf(body) {
    const message = typeof body === 'string' ? JSON.parse(body) : {};
    if (message.method === 'tools/call') {
        return message.params.inputResponses ? 'answer' : 'call';
    }
    return message.method === undefined && message.id !== undefined ? 'answer' : 'other';
}

/** Answers when told to. */
class Waiting extends Person {
    ready = Promise.resolve();

    async elicit(params) {
        const answer = super.elicit(params);
        await this.ready;
        return answer;
    }

    async sample(params) {
        const answer = super.sample(params);
        await this.ready;
        return answer;
    }
}

const { values: options } = parseArgs({
    options: { replica: { type: 'string', multiple: true, default: [] }, kill: { type: 'string' } }
});
if (options.replica.length !== 2 || (options.kill !== undefined && !/^\d+$/.test(options.kill))) {
    console.error('Usage: node replicas.mjs --replica URL --replica URL [--kill PID]');
    process.exit(2);
}

const steps = new Steps();
const sides = [];
for (const mode of ['modern', 'legacy']) {
    const backend = mode === 'modern' ? 'legacy' : 'modern';
    const name = `${mode} client, ${backend} backend`;
    const balancer = new Balancer(options.replica);
    const person = new Waiting();
    await steps.step(`${name}: connects, each request at another replica`, async () => {
        const url = `${options.replica[0]}/${backend}`;
        const peer = await connect({ url, headers: {}, mode, person, fetch: balancer.fetch });
        same(peer.era, mode, 'the era');
        await peer.client.listTools();
        sides.push({ name, mode, peer, person, balancer });
    });
}
if (sides.length === 2) {
    await (options.kill ? killed(Number(options.kill)) : crossing());
    for (const { name, peer } of sides) {
        await steps.step(`${name}: closes`, async () => {
            await peer.end();
            await peer.close();
        });
    }
}
process.exit(steps.end());

async function crossing() {
    let answers = 0;
    for (const side of sides) {
        for (const [kind, call] of Object.entries(CALLS)) {
            for (const owner of [0, 1]) {
                await steps.step(`${side.name}: ${kind}, call at ${owner + 1}, answer at ${2 - owner}`, async () => {
                    side.balancer.callsTo(owner);
                    await completes(side, call);
                    same(side.balancer.calls, [owner], 'where the call was made');
                    same(side.balancer.answers, call.asks.map(() => 1 - owner), 'where the answers arrived');
                    answers += side.balancer.answers.length;
                });
            }
        }
    }
    console.log(`figures: ${answers} answers arrived at the other replica`);
}

async function killed(pid) {
    const lost = [];
    await steps.step('two calls of each client wait at the replica that is killed', async () => {
        const { promise, resolve } = Promise.withResolvers();
        for (const side of sides) {
            side.balancer.callsTo(0);
            side.person.takeAsked();
            side.person.ready = promise;
            for (const kind of ['elicitation', 'sampling']) {
                const { name, args } = CALLS[kind];
                const error = refused(() => side.peer.call(name, args), `the ${kind} of the ${side.name}`);
                lost.push({ side, kind, error: error.then(it => ({ it, at: performance.now() }), it => ({ it })) });
            }
        }
        await asked(sides);
        sides.forEach(({ balancer }) => same(balancer.calls, [0, 0], 'where the calls were made'));
        sides.forEach(({ balancer }) => balancer.leave(0));
        process.kill(pid, 'SIGKILL');
        await silent(options.replica[0]);
        resolve();
    });
    const answered = performance.now();
    let longest = 0;
    for (const { side, kind, error } of lost) {
        await steps.step(`${side.name}: ${kind} answered too late gets the stated error`, async () => {
            const { it, at } = await error;
            const { code, message } = LOST[side.mode];
            same(it.code, code, `the code of "${it.message}"`);
            holds(it.message.includes(message), `the message is "${it.message}", expected "${message}"`);
            longest = Math.max(longest, at - answered);
        });
    }
    for (const side of sides) {
        await steps.step(`${side.name}: the late answers were sent to the replica that is left`, async () => {
            same(side.balancer.answers, [1, 1], 'where the answers arrived');
        });
        side.person.takeAsked();
        for (const [kind, call] of Object.entries(CALLS)) {
            await steps.step(`${side.name}: the next ${kind} is asked anew and completes`, () => completes(side, call));
        }
    }
    console.log(`figures: ${lost.length} calls lost with their replica, told within ${Math.round(longest)} ms`);
}

async function completes({ peer, person }, { name, args, asks, answer }) {
    person.takeAsked();
    const { content } = await peer.call(name, args);
    same(content.map(block => block.text).join('|'), answer, 'the answer');
    same(person.takeAsked(), asks, 'what was asked');
}

/** Waits until both persons have been asked both. */
async function asked(all) {
    const end = Date.now() + 15_000;
    while (all.some(({ person }) => person.asked.length < 2)) {
        holds(Date.now() < end, `asked were ${all.map(({ person }) => person.asked.length)}, expected 2,2`);
        await sleep(10);
    }
}

/** Waits until nobody accepts connections there. */
async function silent(url) {
    for (const end = Date.now() + 10_000; Date.now() < end; await sleep(20)) {
        try {
            await fetch(new URL('/health', url), { signal: AbortSignal.timeout(1000) });
        } catch (e) {
            if (e.cause?.code === 'ECONNREFUSED') {
                return;
            }
        }
    }
    throw new Error('the replica still accepts connections 10 s after it was killed');
}
