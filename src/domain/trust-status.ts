/** What Dataloop says of an integration once it has assumed its role; any other value means not yet. */
export const trustEstablished = 'trust-established';
