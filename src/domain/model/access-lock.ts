/** Who may write the policies of an integration's role, and until when. */
import * as z from 'zod';

export const accessLockSchema = z.object({
  by: z.string(),
  /** Until when its holder's function can live and so take effect, ms since the epoch. */
  until: z.number(),
});
