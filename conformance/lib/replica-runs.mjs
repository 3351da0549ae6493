// Two replicas of the gateway, each a process, on one Redis and with one key, before a legacy and a modern fixture. Real
// clients call at one replica and answer at the other, while both live and after one of them was killed.

import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { runClient } from './client-runs.mjs';
import { freePort, run, start, tail, until } from './processes.mjs';
import { redis } from './redis.mjs';

const BUILD_LIMIT_MS = 240_000;

/**
 * @param fixture    starts a fixture: (name, era) to its URL
 * @param listsTools whether an endpoint lists tools by now
 * @param env        the environment of a gateway, without settings of the person's shell
 * @returns what served as Redis, and for each run of the clients {name, ok, failed, output, command}
 */
export async function runReplicas({ home, repository, results, fixture, listsTools, env }) {
    const logs = join(results, 'logs');
    const sluice = join(repository, 'sluice');
    // builds the jar when it has to be, once for both
    const built = await run(sluice, ['--version'], BUILD_LIMIT_MS);
    if (built.code !== 0) {
        throw new Error(`sluice --version ended with ${built.code ?? 'the limit'}\n${built.text}`);
    }
    const [shared, legacy, modern] = await Promise.all([
        redis(join(repository, 'gateway-server/target/sluice.jar'), join(home, '.work/redis'), join(logs, 'redis.log')),
        fixture('fixture-replicas-legacy', 'legacy'),
        fixture('fixture-replicas-modern', 'modern')
    ]);
    const config = join(logs, 'replicas.json');
    mkdirSync(logs, { recursive: true });
    const mcpServers = { legacy: { type: 'http', url: legacy }, modern: { type: 'http', url: modern } };
    writeFileSync(config, JSON.stringify({ names: 'qualified', mcpServers }, undefined, 2));
    const replicaEnv = {
        ...env,
        SLUICE_BUILD: 'off',
        SLUICE_REDIS_URL: shared.url,
        SLUICE_REDIS_CLUSTER: `conformance-${randomBytes(6).toString('hex')}`,
        SLUICE_SECRET_KEY: randomBytes(32).toString('hex')
    };

    const replica = async name => {
        const port = await freePort();
        const args = ['run', config, '--host', '127.0.0.1', '--port', String(port)];
        const log = join(logs, `${name}.log`);
        const server = start(name, sluice, args, { cwd: repository, env: replicaEnv, log });
        const base = `http://127.0.0.1:${port}`;
        await until(server, 60, async () => (await fetch(`${base}/readyz`, { signal: AbortSignal.timeout(2000) })).ok);
        for (const backend of Object.keys(mcpServers)) {
            await until(server, 30, () => listsTools(`${base}/mcp/${backend}`));
        }
        return { url: `${base}/mcp`, server };
    };

    const rows = [];
    const clients = async (name, replicas, more = []) => {
        const args = ['replicas.mjs', ...replicas.flatMap(({ url }) => ['--replica', url]), ...more];
        const started = Date.now();
        const row = await runClient(home, { name, args }, join(results, 'replicas'));
        // a replica may end by that kill alone
        for (const { server } of replicas) {
            const meant = more.length > 0 && server === replicas[0].server;
            if ((server.ended === undefined) === meant || (meant && !/SIGKILL/.test(server.ended))) {
                row.failed++;
                row.output.push(`FAIL ${server.name}: ${server.ended ?? 'it still runs'}\n${tail(server.log)}`);
            }
        }
        for (const { url, server } of replicas.filter(({ server }) => server.ended === undefined)) {
            const none = await until(server, 5, () => noCallWaits(url)).catch(() => false);
            if (!none) {
                row.failed++;
                row.output.push(`FAIL ${server.name}: calls still wait there, or it does not say`);
            }
        }
        rows.push({ ...row, name, millis: Date.now() - started });
    };
    const kill = ({ server }) => ['--kill', String(server.child.pid)];

    const [one, two] = await Promise.all([replica('replica-1'), replica('replica-2')]);
    await clients('the answer arrives at the other replica', [one, two]);
    await clients('the owner is killed while the call waits', [one, two], kill(one));
    const three = await replica('replica-3');
    await clients('and the one that was left, beside a new one', [two, three], kill(two));
    return { origin: shared.origin, rows };
}

/** Whether no call waits at this replica for its client. */
async function noCallWaits(url) {
    const response = await fetch(new URL('/metrics', url), { signal: AbortSignal.timeout(2000) });
    return /^sluice_parked_calls 0(\.0)?$/m.test(await response.text());
}
