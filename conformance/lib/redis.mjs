// The Redis that replicas share: the one of REDIS_URL, or a redis-server from the PATH, or else the one in the gateway's jar.

import { accessSync, chmodSync, constants, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { delimiter, join } from 'node:path';
import { inflateRawSync } from 'node:zlib';

import { freePort, start, until } from './processes.mjs';

/** Returns {url, origin}; what it starts ends with the run. */
export async function redis(jar, folder, log) {
    if (process.env.REDIS_URL) {
        await reached(process.env.REDIS_URL);
        return { url: process.env.REDIS_URL, origin: 'the Redis of REDIS_URL' };
    }
    mkdirSync(folder, { recursive: true });
    const onThePath = (process.env.PATH ?? '')
        .split(delimiter)
        .map(directory => join(directory, 'redis-server'))
        .find(executable);
    const binary = onThePath ?? unpacked(jar, folder);
    const port = await freePort();
    const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder];
    const server = start('redis-server', binary, args, { env: process.env, log });
    await until(server, 10, () => answers(port));
    return { url: `redis://127.0.0.1:${port}`, origin: onThePath ? 'a Redis from the PATH' : 'the Redis that comes with Sluice' };
}

/** Fails when nobody listens there: gateways would start without it all the same. */
async function reached(url) {
    const [, host, port = '6379'] = /^[a-z-]+:\/\/(?:[^@/]*@)?(\[[^\]]+\]|[^:,/?#]+)(?::(\d+))?/.exec(url) ?? [];
    if (!host) {
        throw new Error('REDIS_URL is no address of a Redis, such as redis://127.0.0.1:6379');
    }
    const open = await new Promise(resolve => {
        const socket = connect(Number(port), host.replace(/^\[|\]$/g, ''), () => socket.end(() => resolve(true)));
        socket.setTimeout(3000, () => socket.destroy());
        socket.on('error', () => {});
        socket.on('close', () => resolve(false));
    });
    if (!open) {
        throw new Error(`the Redis of REDIS_URL cannot be reached at ${host}:${port}`);
    }
}

function executable(path) {
    try {
        accessSync(path, constants.X_OK);
        return true;
    } catch {
        return false;
    }
}

function unpacked(jar, folder) {
    const machine = { x64: 'amd64', arm64: 'arm64' }[process.arch];
    const bytes = entry(readFileSync(jar), new RegExp(`^redis-server-[\\d.]+-${process.platform}-${machine}$`));
    if (!bytes) {
        throw new Error(
            `there is no Redis for ${process.platform} on ${process.arch} in ${jar}; ` +
                'put a redis-server on the PATH, or name one in REDIS_URL'
        );
    }
    const binary = join(folder, 'redis-server');
    writeFileSync(binary, bytes);
    chmodSync(binary, 0o755);
    return binary;
}

/** The content of the first entry of a zip with such a name, found by its central directory (APPNOTE.TXT 4.3.12). */
function entry(zip, name) {
    const end = zip.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
    let at = zip.readUInt32LE(end + 16);
    for (let left = zip.readUInt16LE(end + 10); left > 0; left--) {
        const [nameLength, extraLength, commentLength] = [28, 30, 32].map(offset => zip.readUInt16LE(at + offset));
        if (name.test(zip.toString('utf8', at + 46, at + 46 + nameLength))) {
            const local = zip.readUInt32LE(at + 42);
            const from = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
            const packed = zip.subarray(from, from + zip.readUInt32LE(at + 20));
            return zip.readUInt16LE(at + 10) === 0 ? packed : inflateRawSync(packed);
        }
        at += 46 + nameLength + extraLength + commentLength;
    }
    return undefined;
}

function answers(port) {
    return new Promise(resolve => {
        const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
        socket.setTimeout(500, () => socket.destroy());
        socket.on('data', data => {
            resolve(data.toString().startsWith('+PONG'));
            socket.destroy();
        });
        socket.on('error', () => {});
        socket.on('close', () => resolve(false));
    });
}
