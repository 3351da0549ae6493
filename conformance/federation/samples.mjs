// Arguments that fit a tool's inputSchema; the same for the same schema.

const NAMED = {
    'date-time': '2026-11-21T19:00:00Z',
    date: '2026-11-21',
    uuid: '5b9d8f6e-0000-4000-8000-000000000000',
    uri: 'https://a.example',
    email: 'a@b.example',
    binary: 'AAEC',
    byte: 'AAEC'
};

export function sample(schema, definitions = schema.$defs ?? {}, depth = 0) {
    if (typeof schema !== 'object' || schema === null) {
        return 'any';
    }
    if (schema.$ref) {
        return sample(definitions[schema.$ref.slice('#/$defs/'.length)], definitions, depth + 1);
    }
    if (schema.enum) {
        return schema.enum[0];
    }
    if ('const' in schema) {
        return schema.const;
    }
    const either = schema.oneOf?.[0] ?? schema.anyOf?.[0] ?? schema.allOf?.[0];
    if (either && !schema.properties) {
        return sample(either, definitions, depth + 1);
    }
    const types = [schema.type ?? (schema.properties ? 'object' : 'string')].flat();
    switch (types.find(type => type !== 'null')) {
        case 'object': {
            const members = Object.entries(schema.properties ?? {}).filter(
                ([name]) => depth < 1 || (schema.required ?? []).includes(name)
            );
            return Object.fromEntries(members.map(([name, each]) => [name, sample(each, definitions, depth + 1)]));
        }
        case 'array':
            return [sample(schema.items, definitions, depth + 1)];
        case 'integer':
        case 'number':
            return Math.min(Math.max(schema.minimum ?? 1, 1), schema.maximum ?? 100);
        case 'boolean':
            return true;
        default:
            return (NAMED[schema.format] ?? 'v').padEnd(schema.minLength ?? 0, 'x').slice(0, schema.maxLength);
    }
}
