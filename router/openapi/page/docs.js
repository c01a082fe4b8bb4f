/**
 * Shows the documents of the services that the visitor may use. What he proves himself with stays in the memory of this
 * page, and goes to where the page came from only.
 */
const API = new URL('api/v2/', document.baseURI);
const ALL = '';

const element = (id) => document.getElementById(id);
const [service, key, expand, notice] = ['service', 'key', 'expand', 'notice'].map(element);

/** @type {{ token: string, path: string } | undefined} */
let session;

function credentials() {
  return {
    ...(key.value.trim() && { 'X-DreamFactory-API-Key': key.value.trim() }),
    ...(session && { 'X-DreamFactory-Session-Token': session.token }),
  };
}

function say(text) {
  notice.textContent = text;
  notice.hidden = text === '';
}

/** @throws Error with what the API says of a call that it refuses */
async function call(method, path, body) {
  const answer = await fetch(new URL(path, API), {
    method,
    headers: { Accept: 'application/json', 'Content-Type': 'application/json', ...credentials() },
    ...(body && { body: JSON.stringify(body) }),
  });
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.error?.message ?? `The answer was ${answer.status}.`);
  return said;
}

/** The list of services is another one for everybody. */
async function reload() {
  say('');
  try {
    const { resource } = await call('GET', 'api_docs?as_list=true');
    const chosen = service.value || new URLSearchParams(location.search).get('service') || ALL;
    const options = [ALL, ...resource].map((name) => new Option(name || 'all services', name));
    service.replaceChildren(...options);
    service.value = resource.includes(chosen) ? chosen : ALL;
    show();
  } catch (error) {
    say(error.message);
  }
}

function documentPath() {
  const path = service.value === ALL ? 'api_docs' : `api_docs/${encodeURIComponent(service.value)}`;
  return `${path}?openapi=3.1${expand.checked ? '&expand_schema=true' : ''}`;
}

function show() {
  window.SwaggerUIBundle({
    url: new URL(documentPath(), API).href,
    dom_id: '#viewer',
    presets: [window.SwaggerUIBundle.presets.apis],
    // The page itself asks who the visitor is.
    plugins: [{ wrapComponents: { authorizeBtn: () => () => null, authorizeOperationBtn: () => () => null } }],
    docExpansion: service.value === ALL ? 'none' : 'list',
    defaultModelsExpandDepth: 0,
    filter: true,
    tryItOutEnabled: true,
    validatorUrl: null,
    requestInterceptor: (request) => {
      if (new URL(request.url, document.baseURI).origin === API.origin) {
        request.headers = { ...request.headers, ...credentials() };
      }
      return request;
    },
  });
}

function showSession(name = '') {
  element('sign-in').hidden = session !== undefined;
  element('signed-in').hidden = session === undefined;
  element('who').textContent = name;
  return reload();
}

element('sign-in').addEventListener('submit', async (event) => {
  event.preventDefault();
  const path = element('admin').checked ? 'system/admin/session' : 'user/session';
  const [email, password] = ['email', 'password'].map((id) => element(id).value);
  try {
    const said = await call('POST', path, { email, username: email, password });
    session = { token: said.session_token, path };
    element('password').value = '';
    await showSession(said.name);
  } catch (error) {
    say(error.message);
  }
});

element('sign-out').addEventListener('click', async () => {
  try {
    await call('DELETE', session.path);
  } catch (error) {
    say(error.message);
  }
  session = undefined;
  await showSession();
});

element('save').addEventListener('click', async () => {
  try {
    const text = JSON.stringify(await call('GET', documentPath()), null, 2);
    const url = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
    const link = Object.assign(document.createElement('a'), { href: url, download: `${service.value || 'api'}.json` });
    link.click();
    URL.revokeObjectURL(url);
  } catch (error) {
    say(error.message);
  }
});

key.addEventListener('change', reload);
service.addEventListener('change', show);
expand.addEventListener('change', show);
await reload();
