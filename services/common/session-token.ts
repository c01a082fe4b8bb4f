/** What whoever issues session tokens and whoever checks them agree on. */

/** The claim `iss`: a token that someone else made with the same secret is none of ours. */
export const TOKEN_ISSUER = 'millrace';
