import { type RunningFtp, startFtp } from '../../deploy/testing/ftp.ts';
import { suiteWith } from '../../deploy/testing/suite.ts';
import { tryFaults } from '../remote/faults.ts';
import { backend } from './index.ts';

suiteWith('ftp', 'FTP, and what goes wrong', () => {
  tryFaults<RunningFtp>({
    backend,
    start: () => startFtp(),
    config: ({ host, port, user: username, password }, container) => ({ host, port, username, password, container }),
    // ProFTPD calls it an error of input and output.
    full: /full|failed/,
    refused: [
      { why: 'another password', config: { password: 'x' }, message: /credentials/ },
      { why: 'another user', config: { username: 'x' }, message: /credentials/ },
      { why: 'encryption that the server lacks', config: { ssl: true }, message: /refuses|encrypt|cannot/ },
    ],
  });
});
