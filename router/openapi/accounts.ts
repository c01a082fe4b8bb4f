/** Signing in, password, profile, registration: the same for users and for administrators (system-api §3). */
import { answers, bodies, count, flag, listOf, object, operation, text } from './components.ts';
import { at, type Json, type Part, type Placeholder, ref } from './document.ts';
import type { OwnResource } from './resources.ts';

const PERSON: Json = {
  first_name: text('First name.'),
  last_name: text('Last name.'),
  name: text('Name that is shown.'),
  email: text('E-mail address.'),
};

const SESSION: Json = object({
  session_token: text('Proves who is calling: header X-DreamFactory-Session-Token.'),
  session_id: text('The same once more.'),
  id: count('Identifier of the user.'),
  ...PERSON,
  is_sys_admin: flag('Whether it is an administrator.'),
  last_login_date: text('When he signed in the last time.'),
  host: text('The machine that answered.'),
  token_expiry_date: text('When the token dies.'),
  role: text('Name of the role, where one applies.'),
  role_id: count('Identifier of the role, where one applies.'),
});

const CREDENTIALS: Json = object({
  email: text('E-mail address.'),
  username: text('User name, where people sign in by it.'),
  password: { ...text('Password.'), format: 'password' },
  remember_me: flag('Let the session be renewed for ever, where that is allowed.'),
});

const PROFILE: Json = {
  username: text('User name.'),
  ...PERSON,
  phone: text('Telephone number.'),
  security_question: text('Question that proves who somebody is.'),
  default_app_id: count('The app that opens first.'),
};

/** @param infix  of the ids of operations, behind the name of the service */
const session =
  (infix: string): OwnResource =>
  (word, segments) => ({
    entries: [
      at(segments, {
        get: operation(`get${word}${infix}Session`, 'The session of the caller.', 'SessionResponse'),
        post: operation(`create${word}${infix}Session`, 'Sign in.', 'SessionResponse', { body: 'SessionRequest' }),
        put: operation(
          `refresh${word}${infix}Session`,
          'A new token for one that is about to expire.',
          'SessionResponse',
        ),
        delete: operation(`delete${word}${infix}Session`, 'Sign out.', 'Success'),
      }),
    ],
    components: {
      responses: answers({ SessionResponse: 'A session.' }),
      schemas: { SessionResponse: SESSION, SessionRequest: CREDENTIALS },
      requestBodies: bodies({ SessionRequest: 'Who signs in.' }),
    },
  });

const password =
  (infix: string): OwnResource =>
  (word, segments) => ({
    entries: [
      at(segments, {
        post: operation(
          `change${word}${infix}Password`,
          'Change a password, or replace a forgotten one.',
          'PasswordResponse',
          {
            options: ['reset', 'login'],
            body: 'PasswordRequest',
          },
        ),
      }),
    ],
    components: {
      responses: answers({ PasswordResponse: 'It is done, or a question is asked.' }),
      schemas: {
        PasswordRequest: object({
          old_password: { ...text('The password as it is.'), format: 'password' },
          new_password: { ...text('The password as it is to be.'), format: 'password' },
          email: text('Whose password was forgotten.'),
          username: text('The same, where people sign in by it.'),
          code: text('The code that was sent by e-mail.'),
          security_answer: text('The answer to the question that was asked.'),
        }),
        PasswordResponse: object({
          success: flag('Whether it is done.'),
          security_question: text('What to answer.'),
          session_token: text('Of the new session, where one was wanted.'),
        }),
      },
      requestBodies: bodies({ PasswordRequest: 'Old and new password, or how it was forgotten.' }),
    },
  });

const profile =
  (infix: string): OwnResource =>
  (word, segments) => ({
    entries: [
      at(segments, {
        get: operation(`get${word}${infix}Profile`, 'What is known of the caller.', 'ProfileResponse'),
        post: operation(`update${word}${infix}Profile`, 'Change it.', 'Success', { body: 'ProfileRequest' }),
      }),
    ],
    components: {
      responses: answers({ ProfileResponse: 'What is known of the caller.' }),
      schemas: {
        ProfileResponse: object(PROFILE),
        ProfileRequest: object({
          ...PROFILE,
          security_answer: text('Answer to the question.'),
          current_password: { ...text('Needed to change the e-mail address.'), format: 'password' },
        }),
      },
      requestBodies: bodies({ ProfileRequest: 'What is to be changed.' }),
    },
  });

const register: OwnResource = (word, segments) => ({
  entries: [
    at(segments, {
      post: operation(`register${word}`, 'Make an account for oneself, where that is allowed.', 'Success', {
        options: ['login'],
        body: 'RegisterRequest',
      }),
    }),
  ],
  components: {
    schemas: {
      RegisterRequest: object({
        ...PERSON,
        username: text('User name.'),
        phone: text('Telephone number.'),
        password: { ...text('Password.'), format: 'password' },
        password_confirmation: { ...text('The same once more.'), format: 'password' },
        security_question: text('Question that proves who somebody is.'),
        security_answer: text('Answer to the question.'),
      }),
    },
    requestBodies: bodies({ RegisterRequest: 'Who registers.' }),
  },
});

const NAME: Placeholder = { name: 'id', description: 'Name of the value.' };

/** Values by their names, of any kind. */
export const custom: OwnResource = (word, segments): Part => ({
  entries: [
    at(segments, {
      get: operation(`get${word}Customs`, 'Read all values.', 'CustomsResponse', { options: ['fields', 'as_list'] }),
      post: operation(`create${word}Customs`, 'Store values.', 'CustomsResponse', {
        body: 'CustomsRequest',
        status: 201,
      }),
      patch: operation(`update${word}Customs`, 'Change values.', 'CustomsResponse', { body: 'CustomsRequest' }),
      put: operation(`replace${word}Customs`, 'Change values.', 'CustomsResponse', { body: 'CustomsRequest' }),
      delete: operation(`delete${word}Customs`, 'Delete values.', 'CustomsResponse', { options: ['ids'] }),
    }),
    at([...segments, NAME], {
      get: operation(`get${word}Custom`, 'Read a value.', 'CustomResponse'),
      patch: operation(`update${word}Custom`, 'Change a value.', 'CustomResponse', { body: 'CustomRequest' }),
      put: operation(`replace${word}Custom`, 'Change a value.', 'CustomResponse', { body: 'CustomRequest' }),
      delete: operation(`delete${word}Custom`, 'Delete a value.', 'CustomResponse'),
    }),
  ],
  components: {
    responses: answers({ CustomResponse: 'The value itself.', CustomsResponse: 'Values with their names.' }),
    schemas: {
      CustomResponse: { description: 'Any JSON.' },
      CustomRequest: object({ name: text('Its name.'), value: { description: 'Any JSON.' } }),
      CustomsResponse: object({ resource: listOf(ref('schemas', 'CustomRequest')) }),
      CustomsRequest: object({ resource: listOf(ref('schemas', 'CustomRequest')) }),
    },
    requestBodies: bodies({ CustomRequest: 'The value.', CustomsRequest: 'Values with their names.' }),
  },
});

/** Below `system/admin`. */
export const ADMIN_ACCOUNT: Readonly<Record<string, OwnResource>> = {
  session: session('Admin'),
  password: password('Admin'),
  profile: profile('Admin'),
};

/** Of the user service. */
export const USER_ACCOUNT: Readonly<Record<string, OwnResource>> = {
  session: session(''),
  password: password(''),
  profile: profile(''),
  register,
  custom,
};
