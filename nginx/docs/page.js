// Swagger UI on the specification of this very server, and no other.

const STREAM = '/participant/{id}/inbound/stream'; // its answer has no end

const METHODS = ['get', 'put', 'post', 'patch', 'delete'];

// A parameter of a path that is a $ref is lost on Swagger UI, one of an operation
// is not: so all are their operations'.
function spread(document) {
    const paths = Object.entries(document.paths).map(([path, item]) => {
        const { parameters = [], ...rest } = item;
        for (const method of METHODS.filter(name => name in rest))
            rest[method] = {
                ...rest[method],
                parameters: [...parameters, ...rest[method].parameters ?? []],
            };
        return [path, rest];
    });
    return { ...document, paths: Object.fromEntries(paths) };
}

const plugin = () => ({
    statePlugins: {
        spec: {
            wrapActions: {
                updateJsonSpec: update => document => update(spread(document)),
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
