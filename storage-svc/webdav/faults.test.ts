import { suiteWith } from '../../deploy/testing/suite.ts';
import { type RunningWebdav, startWebdav } from '../../deploy/testing/webdav.ts';
import { tryFaults } from '../remote/faults.ts';
import { backend } from './index.ts';

suiteWith('webdav', 'WebDAV, and what goes wrong', () => {
  tryFaults<RunningWebdav>({
    backend,
    start: () => startWebdav(),
    config: ({ url, user: username, password }, container) => ({ base_uri: url, username, password, container }),
    full: /full/,
    refused: [
      { why: 'another password', config: { password: 'x' }, message: /credentials/ },
      { why: 'nobody signed in', config: { username: null, password: null }, message: /credentials/ },
      { why: 'a way of signing in that the server lacks', config: { auth_type: 1 }, message: /credentials/ },
    ],
  });
});
