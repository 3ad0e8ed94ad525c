/** What others wrote and we deploy: little, pinned, and nothing that is for development alone. */
import { execFileSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import * as z from 'zod';
import { projectRoot } from '../../local/environment/paths.ts';
import {
  billOfDeployed,
  deployedPackages,
  packagesOf,
  parseLock,
} from '../../scripts/deployed-components.ts';
import { bundleOptions, functionFiles, projectFile } from '../bundle.ts';

const project = z
  .object({
    dependencies: z.record(z.string(), z.string()),
    devDependencies: z.record(z.string(), z.string()),
    allowScripts: z.record(z.string(), z.boolean()),
  })
  .parse(JSON.parse(projectFile('package.json')));
const lock = parseLock(projectFile('package-lock.json'));
const deployed = deployedPackages(lock);
const deployedNames = new Set(deployed.map(({ name }) => name));

describe('bundles', () => {
  test('are looked at as they are deployed', () => {
    const [, settings = ''] = /\n {2}esbuild:\n((?: {4}.*\n)+)/.exec(projectFile('serverless.yml')) ?? [];
    const { mainFields, ...options } = bundleOptions;
    for (const [name, value] of Object.entries(options)) {
      expect(settings).toContain(`    ${name}: ${value}\n`);
    }
    expect(settings).toContain(`    mainFields: [${mainFields.join(', ')}]\n`);
    expect(functionFiles.length).toBeGreaterThan(25);
  });
});

describe('packages', () => {
  test('are named with one version each', () => {
    const all = { ...project.dependencies, ...project.devDependencies };
    // One package stands under the name of the command that it installs: "serverless": "npm:osls@…".
    const exact = /^(?:npm:[\w@/.-]+@)?(\d+\.\d+\.\d+)$/;
    for (const [name, wanted] of Object.entries(all)) {
      expect(wanted).toMatch(exact);
      expect(lock.packages[`node_modules/${name}`]?.version).toBe(exact.exec(wanted)?.[1]);
    }
  });

  test('of the AWS SDK have one version', () => {
    const all = Object.entries({ ...project.dependencies, ...project.devDependencies });
    const versions = all.filter(([name]) => name.startsWith('@aws-sdk/')).map(([, version]) => version);
    expect(versions.length).toBeGreaterThan(0);
    expect(new Set(versions).size).toBe(1);
  });

  // npm leaves the hash out of those for other systems when it writes the lockfile by what is installed.
  test('are checked against their hash, all of them, on whatever system', () => {
    const all = packagesOf(lock);
    expect(all.length).toBeGreaterThan(deployed.length);
    const unchecked = all.filter(({ integrity = '' }) => !integrity.startsWith('sha512-'));
    expect(unchecked.map(({ path }) => path)).toEqual([]);
  });

  test('that are deployed may be used by anybody', () => {
    expect(deployed.length).toBeGreaterThan(Object.keys(project.dependencies).length);
    for (const { name, license = 'none' } of deployed) {
      expect([name, license]).toEqual([
        name,
        expect.stringMatching(/^(MIT|MIT-0|Apache-2\.0|0BSD|ISC|BSD-[23]-Clause)$/),
      ]);
    }
  });

  test('run scripts when they are installed only where somebody has decided so', () => {
    const withScripts = packagesOf(lock).filter(({ hasInstallScript }) => hasInstallScript);
    expect(withScripts.map(({ name }) => name).sort()).toEqual(Object.keys(project.allowScripts).sort());
    expect(deployed.filter(({ hasInstallScript }) => hasInstallScript)).toEqual([]);
  });

  test.each(['local/environment/emulator/requirements.txt', 'test/requirements.txt'])(
    '%s names one version each',
    (file) => {
      const lines = projectFile(file)
        .split('\n')
        .filter((line) => line.trim() !== '' && !line.startsWith('#'));
      expect(lines.length).toBeGreaterThan(0);
      for (const line of lines) expect(line).toMatch(/^[A-Za-z0-9_.-]+==[0-9][^\s;]*/);
    },
  );

  test('each has its reason in docs/decisions.md', () => {
    const decisions = projectFile('docs/decisions.md');
    const all = Object.keys({ ...project.dependencies, ...project.devDependencies });
    expect(all.filter((name) => !decisions.includes(`\`${name}\``))).toEqual([]);
  });
});

describe('the bill of materials', () => {
  const bom: unknown = JSON.parse(
    execFileSync('npm', ['sbom', '--sbom-format', 'cyclonedx'], {
      cwd: projectRoot,
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    }),
  );

  test('names what is deployed, all of it and nothing else', () => {
    const { components, dependencies, specVersion } = billOfDeployed(bom, lock);
    expect(specVersion).toMatch(/^1\.\d$/);
    const named = components.map(({ name, version }) => `${name}@${version}`);
    expect(named.sort()).toEqual(
      [...new Set(deployed.map(({ name, version }) => `${name}@${version}`))].sort(),
    );
    for (const name of Object.keys(project.dependencies)) expect(deployedNames).toContain(name);
    expect(
      named.filter(
        (each) => each.startsWith('jest@') || each.startsWith('serverless@') || each.startsWith('osls@'),
      ),
    ).toEqual([]);
    const refs = new Set(components.map((component) => component['bom-ref']));
    for (const ref of dependencies.flatMap(({ dependsOn }) => dependsOn)) expect(refs).toContain(ref);
  });

  test('is refused where npm does not know all of it', () => {
    const more = { packages: { ...lock.packages, 'node_modules/not-installed': { version: '1.0.0' } } };
    expect(() => billOfDeployed(bom, more)).toThrow('npm sbom does not know not-installed@1.0.0');
  });
});
