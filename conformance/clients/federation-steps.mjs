// What is asked of the aggregate of the fixture and "everything": one endpoint, both servers, nothing mixed up.

import { everything } from './everything-steps.mjs';
import { fixture } from './fixture-steps.mjs';
import { holds, same } from './steps.mjs';

const text = result => result.content.map(block => block.text ?? `<${block.type}>`).join('|');

export async function federation({ steps, peer, person }) {
    const { client, call } = peer;
    await steps.step('one list with the tools of both', async () => {
        const { tools } = await client.listTools();
        const names = tools.map(({ name }) => name);
        same(new Set(names).size, names.length, 'number of different names');
        for (const [backend, name] of [
            ['fixture', 'test_simple_text'],
            ['everything', 'echo'],
            ['everything', 'get-sum']
        ]) {
            holds(names.includes(name) || names.includes(`${backend}__${name}`), `${name} of ${backend} is not listed`);
        }
        holds(
            names.every(name => /^[A-Za-z0-9_-]{1,64}$/.test(name)),
            'a listed name is too long or has odd characters'
        );
    });
    await steps.step('every listed name can be called', async () => {
        const { tools } = await client.listTools();
        const listed = wanted => tools.find(({ name }) => name === wanted || name.endsWith(`__${wanted}`)).name;
        same(text(await call(listed('echo'), { message: 'a' })), 'Echo: a', 'the echo');
        same(text(await call(listed('add'), { a: 1, b: 2 })), '3', 'the sum');
    });
    await steps.step('resources and prompts of both', async () => {
        const { resources } = await client.listResources();
        const { prompts } = await client.listPrompts();
        const some = (list, key, end) =>
            holds(
                list.some(item => item[key].endsWith(end)),
                `${end} is not listed`
            );
        some(resources, 'uri', 'static-text');
        some(resources, 'uri', 'features.md');
        some(prompts, 'name', 'test_simple_prompt');
        some(prompts, 'name', 'args-prompt');
    });
    await steps.step('calls to both at once', async () => {
        const calls = Array.from({ length: 20 }, (_, i) =>
            i % 2 === 0 ? call('fixture__add', { a: i, b: 0 }) : call('everything__echo', { message: String(i) })
        );
        const answers = (await Promise.all(calls)).map(text);
        same(
            answers,
            calls.map((_, i) => (i % 2 === 0 ? String(i) : `Echo: ${i}`)),
            'the answers'
        );
    });
    console.log('-- the fixture, by qualified names');
    await fixture({ steps, peer, person, prefix: 'fixture__' });
    console.log('-- everything, by qualified names');
    await everything({ steps, peer, person, prefix: 'everything__' });
}
