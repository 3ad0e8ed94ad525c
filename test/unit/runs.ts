/** How many inputs a property is tried with. */

/**
 * `npm run test:unit` draws a share of them, at least 200; `THOROUGH=1`, as `npm run faults` sets it, draws all.
 */
export const runs = (all: number): number =>
  process.env['THOROUGH'] ? all : Math.min(all, Math.max(200, Math.ceil(all / 5)));
