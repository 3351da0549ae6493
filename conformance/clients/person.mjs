// The person and the model behind a client: they answer what servers ask, always the same way, and remember it.

export const ME = { name: 'sluice-conformance-client', version: '1.0.0' };

export const ABILITIES = { sampling: {}, elicitation: { form: {}, url: {} }, roots: { listChanged: true } };

const ANSWERS = { name: 'Ada', color: 'green', response: 'yes, please', ok: true, context: 'a test' };

export class Person {
    asked = [];
    heard = [];
    declines = false;

    elicit(params) {
        this.asked.push({ kind: params.mode === 'url' ? 'url' : 'form', params });
        if (this.declines) {
            return { action: 'decline' };
        }
        if (params.mode === 'url') {
            return { action: 'accept' };
        }
        const fields = Object.entries(params.requestedSchema.properties);
        const content = fields.map(([name, schema]) => [name, ANSWERS[name] ?? schema.default ?? filler(schema)]);
        return { action: 'accept', content: Object.fromEntries(content) };
    }

    sample(params) {
        this.asked.push({ kind: 'sampling', params });
        return { role: 'assistant', model: 'test-model', content: { type: 'text', text: 'Paris, I think' } };
    }

    roots() {
        this.asked.push({ kind: 'roots' });
        return { roots: [{ uri: 'file:///home/ada/work', name: 'Work' }] };
    }

    hear(kind, params) {
        this.heard.push({ kind, params });
    }

    /** What was asked since the last time, by kind. */
    takeAsked() {
        return this.asked.splice(0).map(({ kind }) => kind);
    }
}

function filler(schema) {
    switch (schema.type) {
        case 'boolean':
            return true;
        case 'integer':
        case 'number':
            return schema.minimum ?? 1;
        case 'array':
            return [(schema.items.enum ?? schema.items.anyOf.map(choice => choice.const))[0]];
        default:
            return (schema.enum ?? schema.oneOf?.map(choice => choice.const) ?? ['something'])[0];
    }
}
