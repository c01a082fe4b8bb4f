/** What the client can do, on the sample data of `npm start`. See README.md. */
import { Millrace, MillraceApiError } from './client.ts';

interface Airport {
  readonly id: number;
  readonly iata: string;
  readonly name: string;
}

const [address = '127.0.0.1:8081', apiKey = ''] = process.argv.slice(2);
const millrace = new Millrace({ address, apiKey });
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const { resource: page } = await millrace.get<{ resource: Airport[] }>('db/_table/airport', {
  query: { filter: "name like '%International%'", fields: 'id,iata,name', order: 'id', limit: 100 },
});
say(`a page of ${page.length}`);

// Asked together, they travel together.
const airports = await Promise.all(page.map(({ id }) => millrace.get<Airport>(`db/_table/airport/${id}`)));
say(`each of them by its id: ${airports.every(({ name }, i) => name === page[i]?.name)}`);

let count = 0;
for await (const { id } of millrace.records<Airport>('db/_table/airport', { query: { fields: 'id' } })) {
  if (id > 0) count += 1;
}
say(`all of them: ${count}`);

try {
  await millrace.delete(`db/_table/airport/${page[0]?.id}`);
} catch (error) {
  if (!(error instanceof MillraceApiError)) throw error;
  say(`refused with ${error.status}`);
}
millrace.close();
