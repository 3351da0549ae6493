// A list of steps with a line of output each: "ok   name" or "FAIL name: why".

import { isDeepStrictEqual } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';

const STEP_LIMIT_MS = 20_000;

export class Steps {
    #ok = 0;
    #failed = 0;

    /** Runs one step; a failure is printed and counted, and the next step goes on. */
    async step(name, act) {
        const start = performance.now();
        const limit = new AbortController();
        try {
            const late = sleep(STEP_LIMIT_MS, undefined, { signal: limit.signal }).then(() => {
                throw new Error(`no answer within ${STEP_LIMIT_MS / 1000} s`);
            });
            const result = await Promise.race([act(), late]);
            this.#ok++;
            console.log(`ok   ${name} (${Math.round(performance.now() - start)} ms)`);
            return result;
        } catch (e) {
            this.#failed++;
            const code = e?.code === undefined ? '' : ` [${e.code}]`;
            console.log(`FAIL ${name}: ${e?.message ?? e}${code}`);
            return undefined;
        } finally {
            limit.abort();
        }
    }

    skip(name, why) {
        console.log(`skip ${name}: ${why}`);
    }

    /** Prints the counts and returns the exit code. */
    end() {
        console.log(`${this.#ok} ok, ${this.#failed} failed`);
        return this.#failed === 0 && this.#ok > 0 ? 0 : 1;
    }
}

export function same(actual, expected, what) {
    if (!isDeepStrictEqual(actual, expected)) {
        throw new Error(`${what} is ${JSON.stringify(actual)}, expected ${JSON.stringify(expected)}`);
    }
}

export function holds(condition, what) {
    if (!condition) {
        throw new Error(what);
    }
}

/** Runs act and returns the error it fails with. */
export async function refused(act, what) {
    let result;
    try {
        result = await act();
    } catch (e) {
        return e;
    }
    throw new Error(`${what} was answered with ${JSON.stringify(result)}, expected an error`);
}

/** Waits until condition() holds, doing again() every half second meanwhile. */
export async function eventually(condition, what, again = async () => {}) {
    const end = Date.now() + 10_000;
    for (let i = 0; Date.now() < end; i++) {
        if (i % 10 === 0) {
            await again();
        }
        if (await condition()) {
            return;
        }
        await sleep(50);
    }
    throw new Error(`${what} did not happen within 10 s`);
}
