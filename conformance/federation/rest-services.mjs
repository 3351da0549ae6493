// The REST services, each below a path of its own: serves its document, and answers what the document describes.
// A request that no operation of the document is for gets 404, so that it cannot count as answered.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

const documents = join(import.meta.dirname, '../../gateway-server/src/test/resources/openapi');
const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch'];

function service(file, at) {
    const bytes = readFileSync(join(documents, file));
    const text = file.endsWith('.gz') ? gunzipSync(bytes) : bytes;
    const templates = [];
    for (const [path, item] of Object.entries(JSON.parse(text).paths)) {
        const pattern = path.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replace(/\{[^}]+\}/g, '[^/]+');
        for (const method of METHODS.filter(method => item[method])) {
            templates.push({ method: method.toUpperCase(), pattern: new RegExp(`^${pattern}$`) });
        }
    }
    return { text, at, operations: templates.length, templates };
}

export const services = {
    orders: service('springdoc-orders.json', '/v3/api-docs'),
    github: service('public/github.json.gz', '/openapi.json'),
    kubernetes: service('public/kubernetes-core-v1.json.gz', '/openapi.json')
};

/** Listens on a free port of its own. */
export function serve({ text, at, templates }) {
    const server = createServer((request, response) => {
        const path = request.url.split('?')[0];
        request.resume();
        request.on('end', () => {
            const known = templates.some(({ method, pattern }) => method === request.method && pattern.test(path));
            const found = path === at ? text : '{}';
            response.writeHead(path === at || known ? 200 : 404, { 'content-type': 'application/json' }).end(found);
        });
    });
    return new Promise(resolve => {
        server.listen(0, '127.0.0.1', () => resolve({ url: `http://127.0.0.1:${server.address().port}`, server }));
    });
}
