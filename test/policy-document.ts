/** A policy document, as far as tests look into one. */
import * as z from 'zod';

export const documentSchema = z.looseObject({
  Version: z.string(),
  Statement: z.array(z.looseObject({})),
});
export type Document = z.infer<typeof documentSchema>;
