/** The name of the tier that the system service is. */
export const TIER = 'system';
