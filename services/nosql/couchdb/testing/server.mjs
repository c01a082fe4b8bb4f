/** A CouchDB for tests: PouchDB in memory behind CouchDB's HTTP API, on the port that is its only argument. */
import express from 'express';
import pouchRouter from 'express-pouchdb';
import memory from 'pouchdb-adapter-memory';
import PouchDB from 'pouchdb-node';

const databases = PouchDB.plugin(memory).defaults({ adapter: 'memory' });
const app = express().use(pouchRouter(databases, { mode: 'fullCouchDB', inMemoryConfig: true, logPath: '/dev/null' }));

app
  .listen(Number(process.argv[2]), '127.0.0.1', () => process.stderr.write('listening\n'))
  .on('error', (error) => {
    process.stderr.write(`${error}\n`);
    process.exit(1);
  });
