import { expect, test } from 'vitest';
import { defaultLabel, pluralOf } from './labels.ts';

test.each([
  ['order_items', 'Order Items'],
  ['first-name', 'First Name'],
  ['f_nvar', 'F Nvar'],
  ['firstName', 'FirstName'],
  ['dflt2', 'Dflt2'],
  ['hr.person', 'Hr.person'],
])('label of %s', (name, label) => expect(defaultLabel(name)).toBe(label));

test.each([
  ['Department', 'Departments'],
  ['Emp Project', 'Emp Projects'],
  ['Blobs', 'Blobs'],
  ['Dflt2', 'Dflt2s'],
  ['Company', 'Companies'],
  ['Day', 'Days'],
  ['Address', 'Addresses'],
  ['Status', 'Statuses'],
  ['Box', 'Boxes'],
  ['Analysis', 'Analyses'],
  ['Sales Person', 'Sales People'],
  ['Children', 'Children'],
  ['Specimen', 'Specimens'],
  ['Human', 'Humans'],
])('plural of %s', (label, plural) => expect(pluralOf(label)).toBe(plural));
