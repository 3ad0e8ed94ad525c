/** Largest request body in bytes; a full request with forty tags needs about half of it. */
export const maximumBodyBytes = 32 * 1024;
