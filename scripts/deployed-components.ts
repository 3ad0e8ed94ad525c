/** What of all installed packages is deployed, by the lockfile; and the bill of materials of just that. */
import * as z from 'zod';

const lockSchema = z.object({
  packages: z.record(
    z.string(),
    z.looseObject({
      version: z.string().optional(),
      integrity: z.string().optional(),
      license: z.string().optional(),
      dev: z.boolean().optional(),
      devOptional: z.boolean().optional(),
      hasInstallScript: z.boolean().optional(),
      link: z.boolean().optional(),
    }),
  ),
});
export type Lock = z.infer<typeof lockSchema>;

export const parseLock = (text: string): Lock => lockSchema.parse(JSON.parse(text));

/** Path in node_modules, name and lockfile entry of every package that others wrote: not of the project's own folders. */
export function packagesOf({ packages }: Lock) {
  return Object.entries(packages)
    .filter(([path, { link }]) => path.includes('node_modules/') && !link)
    .map(([path, entry]) => ({ path, name: path.split('node_modules/').at(-1) ?? path, ...entry }));
}

/** Packages that the functions may contain: those that are not there for development alone. */
export const deployedPackages = (lock: Lock) =>
  packagesOf(lock).filter(({ dev, devOptional }) => !dev && !devOptional);

const bomSchema = z.looseObject({
  specVersion: z.string(),
  components: z.array(z.looseObject({ 'bom-ref': z.string(), name: z.string(), version: z.string() })),
  dependencies: z.array(z.looseObject({ ref: z.string(), dependsOn: z.array(z.string()).default([]) })),
});
export type BillOfMaterials = z.infer<typeof bomSchema>;

/**
 * Takes what is not deployed out of a CycloneDX document of `npm sbom`. npm's own `--omit dev` leaves out what
 * both kinds of dependencies use, too.
 * @throws Error when a deployed package is not in the document
 */
export function billOfDeployed(bom: unknown, lock: Lock): BillOfMaterials {
  const all = bomSchema.parse(bom);
  const refs = new Set(deployedPackages(lock).map(({ name, version }) => `${name}@${version}`));
  const components = all.components.filter(({ name, version }) => refs.has(`${name}@${version}`));
  const missing = [...refs].filter(
    (ref) => !components.some(({ name, version }) => `${name}@${version}` === ref),
  );
  if (missing.length > 0) throw new Error(`npm sbom does not know ${missing.join(', ')}. Run npm ci first.`);
  const kept = new Set(components.map((component) => component['bom-ref']));
  const root = all.dependencies[0];
  return {
    ...all,
    components,
    dependencies: all.dependencies
      .filter(({ ref }) => ref === root?.ref || kept.has(ref))
      .map((each) => ({ ...each, dependsOn: each.dependsOn.filter((ref) => kept.has(ref)) })),
  };
}
