/** The tables and the records that the cases of every engine speak of. */

export const TABLES = [
  {
    name: 'person',
    field: [
      { name: 'id', type: 'id' },
      { name: 'name', type: 'string', size: 40, allow_null: false },
      { name: 'age', type: 'integer', allow_null: true },
      { name: 'city', type: 'string', allow_null: true },
      { name: 'active', type: 'boolean', allow_null: true },
      { name: 'balance', type: 'decimal', precision: 12, scale: 2, allow_null: true },
    ],
  },
  {
    name: 'pet',
    field: [
      { name: 'id', type: 'id' },
      { name: 'title', type: 'string', allow_null: false },
      { name: 'person_id', type: 'reference', ref_table: 'person', ref_field: 'id', allow_null: true },
    ],
  },
];

export const ADA = { id: 1, name: 'Ada', age: 36, city: 'London', active: true, balance: 10.5 };
export const ALAN = { id: 2, name: 'Alan', age: 41, city: 'London', active: false, balance: 0 };
export const GRACE = { id: 3, name: 'Grace', age: 85, city: 'New York', active: true, balance: 1999.99 };
export const NEIL = { id: 4, name: "O'Neil", age: null, city: 'Paris', active: true, balance: null };
export const ZOE = { id: 5, name: 'Zoë = "7" \n', age: 29, city: 'Aix', active: null, balance: -3.25 };
export const PEOPLE = [ADA, ALAN, GRACE, NEIL, ZOE];
/** As they are first written: the database gives the ids. */
export const NEW_PEOPLE = PEOPLE.map(({ id: _, ...person }) => person);
export const PETS = [
  { title: 'Rex', person_id: 1 },
  { title: 'Tom', person_id: 1 },
  { title: 'Stray', person_id: null },
];

export const list = (...records: unknown[]) => ({ resource: records });
export const ids = (...found: number[]) => list(...found.map((id) => ({ id })));
