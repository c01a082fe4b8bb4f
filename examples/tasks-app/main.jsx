/** A single-page application on the API: tasks of a table, each with an address of its own. */
import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import './style.css';

/** Set when it is built: where it is opened, and the key of its record in `system/app`. */
const { base, apiKey } = APPLICATION;

async function api(method, path, body) {
  const answer = await fetch(`/api/v2/${path}`, {
    method,
    headers: { 'X-DreamFactory-API-Key': apiKey, 'Content-Type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  });
  const json = await answer.json();
  if (!answer.ok) throw new Error(json.error.message);
  return json;
}

const TASKS = 'work/_table/task';

function Link({ to, children }) {
  const go = (event) => {
    event.preventDefault();
    history.pushState(null, '', base + to);
    dispatchEvent(new PopStateEvent('popstate'));
  };
  return (
    <a href={base + to} onClick={go}>
      {children}
    </a>
  );
}

function usePath() {
  const [path, setPath] = useState(location.pathname.slice(base.length));
  useEffect(() => {
    const follow = () => setPath(location.pathname.slice(base.length));
    addEventListener('popstate', follow);
    return () => removeEventListener('popstate', follow);
  }, []);
  return path;
}

/** What a call answers, once it is there. @param key  another one: another call */
function useAnswer(call, key) {
  const [state, setState] = useState({});
  useEffect(() => {
    call().then(
      (answer) => setState({ answer }),
      (error) => setState({ error }),
    );
  }, [key]);
  return state;
}

function Tasks() {
  const [added, setAdded] = useState(0);
  const { answer, error } = useAnswer(() => api('GET', `${TASKS}?order=id`), added);
  const [title, setTitle] = useState('');
  const add = async (event) => {
    event.preventDefault();
    await api('POST', TASKS, { resource: [{ title, place: 'Office', done: false }] });
    setTitle('');
    setAdded(added + 1);
  };
  if (error) return <p class="error">{error.message}</p>;
  return (
    <>
      <ul>
        {answer?.resource.map((task) => (
          <li key={task.id} class={task.done ? 'done' : ''}>
            <Link to={`tasks/${task.id}`}>{task.title}</Link>
            <span>{task.place}</span>
          </li>
        ))}
      </ul>
      <form onSubmit={add}>
        <input value={title} onInput={(event) => setTitle(event.currentTarget.value)} placeholder="A new task" />
        <button type="submit">Add</button>
      </form>
    </>
  );
}

function Task({ id }) {
  const { answer, error } = useAnswer(() => api('GET', `${TASKS}/${id}`), id);
  if (error) return <p class="error">{error.message}</p>;
  return (
    <article>
      <h2>{answer?.title}</h2>
      <p>
        {answer?.place} · {answer?.done ? 'done' : 'open'}
      </p>
      <Link to="">All tasks</Link>
    </article>
  );
}

function App() {
  const [, id] = /^tasks\/(\d+)$/.exec(usePath()) ?? [];
  return (
    <main>
      <h1>Tasks</h1>
      {id ? <Task id={id} /> : <Tasks />}
    </main>
  );
}

render(<App />, document.getElementById('app'));
