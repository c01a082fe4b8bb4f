/** How long the server lets a statement of a session run, should nobody end it. */

/**
 * Each server reads one of the two comments: MariaDB counts seconds for all statements, MySQL milliseconds for reads.
 * @param milliseconds  0: any time
 */
export const timeLimit = (milliseconds: number): string =>
  `set @millrace = 0 /*M! , max_statement_time = ${milliseconds / 1000} */ /*!80000 , max_execution_time = ${milliseconds} */`;
