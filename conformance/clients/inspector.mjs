#!/usr/bin/env node
// Uses an MCP endpoint with the command line of the MCP Inspector and checks what it prints and its exit codes.
//
//   node inspector.mjs --mode legacy|auto|modern --target fixture|everything --url URL [--prefix P] [--token T]

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { holds, same, Steps } from './steps.mjs';

const { values: options } = parseArgs({
    options: {
        mode: { type: 'string', default: 'legacy' },
        target: { type: 'string', default: 'fixture' },
        url: { type: 'string' },
        prefix: { type: 'string', default: '' },
        token: { type: 'string' }
    }
});
if (!options.url || !['fixture', 'everything'].includes(options.target)) {
    console.error('Usage: node inspector.mjs --mode legacy|auto|modern --target fixture|everything --url URL');
    process.exit(2);
}

const program = join(dirname(fileURLToPath(import.meta.url)), 'node_modules/.bin/mcp-inspector');
const home = mkdtempSync(join(tmpdir(), 'inspector-'));
process.on('exit', () => rmSync(home, { recursive: true, force: true }));

/** Runs the Inspector once. It must not touch the person's own settings, so it gets an empty home. */
function inspect(method, ...args) {
    const all = [
        '--cli',
        options.url,
        '--transport',
        'http',
        '--protocol-era',
        options.mode,
        '--format',
        'json',
        '--method',
        method
    ];
    if (options.token) {
        all.push('--header', `Authorization: Bearer ${options.token}`);
    }
    const env = { ...process.env, HOME: home, MCP_INSPECTOR_SECRET_STORE: 'memory' };
    return new Promise(resolve => {
        execFile(program, [...all, ...args], { env, timeout: 18_000, maxBuffer: 1 << 26 }, (error, stdout, stderr) =>
            resolve({ code: error ? (error.code ?? error.signal) : 0, stdout, stderr })
        );
    });
}

async function answer(method, ...args) {
    const { code, stdout, stderr } = await inspect(method, ...args);
    holds(code === 0, `exit code ${code}: ${(stderr || stdout).trim().slice(0, 600)}`);
    const printed = JSON.parse(stdout);
    return printed.result ?? printed;
}

const name = bare => options.prefix + bare;
const listed = (list, bare) => list.some(item => item.name === bare || item.name === name(bare));
const steps = new Steps();

const fixture = {
    'tools/list': async () => {
        const { tools } = await answer('tools/list');
        holds(listed(tools, 'test_simple_text') && listed(tools, 'add'), 'tools are missing');
    },
    'tools/call': async () => {
        const result = await answer('tools/call', '--tool-name', name('add'), '--tool-args-json', '{"a":40,"b":2}');
        same(result.structuredContent, { sum: 42 }, 'structuredContent');
    },
    'a failing tool is exit code 5': async () => {
        const { code, stderr } = await inspect('tools/call', '--tool-name', name('test_error_handling'));
        same(code, 5, `the exit code (${stderr.trim().slice(0, 300)})`);
    },
    'prompts/list': async () => {
        holds(listed((await answer('prompts/list')).prompts, 'test_simple_prompt'), 'prompts are missing');
    },
    'prompts/get': async () => {
        const args = ['--prompt-name', name('test_prompt_with_arguments'), '--prompt-args', 'arg1=a', 'arg2=b'];
        const { messages } = await answer('prompts/get', ...args);
        same(messages[0].content.text, "Prompt with arguments: arg1='a', arg2='b'", 'the text');
    },
    'resources/list': async () => {
        const { resources } = await answer('resources/list');
        holds(
            resources.some(({ uri }) => uri === 'test://static-text'),
            'test://static-text is not listed'
        );
    },
    'resources/templates/list': async () => {
        const { resourceTemplates } = await answer('resources/templates/list');
        holds(resourceTemplates.length > 0, 'no templates');
    },
    'resources/read': async () => {
        const { contents } = await answer('resources/read', '--uri', 'test://static-text');
        same(contents[0].text, 'This is the content of the static text resource.', 'the text');
    }
};

const everything = {
    'tools/list': async () => {
        holds(listed((await answer('tools/list')).tools, 'echo'), 'echo is not listed');
    },
    'tools/call': async () => {
        const result = await answer('tools/call', '--tool-name', name('echo'), '--tool-arg', 'message=hello');
        same(result.content[0].text, 'Echo: hello', 'the text');
    },
    'resources/read': async () => {
        const { contents } = await answer('resources/read', '--uri', 'demo://resource/dynamic/text/3');
        holds(contents[0].text.length > 0, 'the resource is empty');
    },
    'prompts/get': async () => {
        const { messages } = await answer('prompts/get', '--prompt-name', name('simple-prompt'));
        holds(messages.length > 0, 'no messages');
    }
};

// Each step is a process of its own that mostly starts up, so two of them run at a time.
const todo = Object.entries({ fixture, everything }[options.target]);
const worker = async () => {
    for (let next = todo.shift(); next; next = todo.shift()) {
        await steps.step(...next);
    }
};
await Promise.all([worker(), worker()]);
process.exitCode = steps.end();
