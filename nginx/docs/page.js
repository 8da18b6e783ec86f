// Swagger UI on the specification of this very server, and no other.

const STREAM = '/participant/{id}/inbound/stream'; // its answer has no end

const METHODS = ['get', 'put', 'post', 'patch', 'delete'];

// Two things that Swagger UI has to be helped with. A parameter of a path that
// is a $ref would be lost, where one of an operation is not: so all are their
// operations'. And an example is filled in, so that what nobody asked for would
// be sent along: what may be left out begins empty.
function prepare(document) {
    const resolve = node => node.$ref
        ? resolve(node.$ref.slice(2).split('/').reduce((at, key) => at[key], document))
        : node;
    const clear = reference => {
        const parameter = resolve(reference);
        if (parameter.required)
            return parameter;
        const { example, ...rest } = parameter;
        const { example: another, ...schema } = resolve(parameter.schema);
        return { ...rest, schema };
    };
    const paths = Object.entries(document.paths).map(([path, item]) => {
        const { parameters = [], ...rest } = item;
        for (const method of METHODS.filter(name => name in rest)) {
            const own = rest[method].parameters ?? [];
            rest[method] = {
                ...rest[method], parameters: [...parameters, ...own].map(clear),
            };
        }
        return [path, rest];
    });
    return { ...document, paths: Object.fromEntries(paths) };
}

const plugin = () => ({
    statePlugins: {
        spec: {
            wrapActions: {
                updateJsonSpec: update => document => update(prepare(document)),
            },
            wrapSelectors: {
                allowTryItOutFor: allow => (state, path, method) =>
                    path !== STREAM && allow(state, path, method),
            },
        },
    },
});

const dark = matchMedia('(prefers-color-scheme: dark)');
const follow = () =>
    document.documentElement.classList.toggle('dark-mode', dark.matches);
dark.addEventListener('change', follow);
follow();

window.SwaggerUIBundle({
    url: '/openapi.yaml',
    dom_id: '#explorer',
    plugins: [plugin],
    deepLinking: true,
    tryItOutEnabled: true,
    displayRequestDuration: true,
    defaultModelsExpandDepth: 0,
    validatorUrl: 'none', // it would be somebody else's
});
