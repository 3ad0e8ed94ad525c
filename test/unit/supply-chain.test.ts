/** What others wrote and we deploy: little, pinned, and nothing that is for development alone. */
import { execFileSync } from 'node:child_process';
import { beforeAll, describe, expect, test } from '@jest/globals';
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

/** What `uv pip compile` writes: a line for each package, its hashes, and who needs it. */
function requirementsOf(text: string) {
  const entries = text
    .replaceAll(/^#.*\n/gm, '')
    .split(/\n(?! )/)
    .filter((entry) => entry.trim() !== '');
  const isOption = (entry: string) => entry.startsWith('-');
  return {
    options: entries.filter(isOption).map((entry) => entry.trim()),
    packages: entries
      .filter((entry) => !isOption(entry))
      .map((entry) => {
        const [line = '', ...rest] = entry.split('\n').map((each) => each.replace(/\\$/, '').trim());
        const [, name, version, marker] = /^([a-z0-9.-]+)==([0-9][^\s;]*)(?: ; (.+))?$/.exec(line) ?? [];
        if (!name || !version) throw new Error(`This is no package with one version: ${line}`);
        return {
          line,
          name,
          version,
          marker,
          hashes: rest.filter((each) => each.startsWith('--')),
          via: rest
            .filter((each) => each.startsWith('#'))
            .map((each) => each.replace(/^# +(via\b)? */, ''))
            .filter((each) => each !== ''),
        };
      }),
  };
}

/** Whether a package is installed on Python 3.minor, on Linux or macOS. */
function appliesOn(minor: number, marker: string | undefined): boolean {
  if (marker === undefined) return true;
  if (marker.includes(' or ')) return marker.split(' or ').some((part) => appliesOn(minor, part));
  if (marker.includes(' and ')) return marker.split(' and ').every((part) => appliesOn(minor, part));
  if (/^sys_platform == '(?:win32|emscripten)'$/.test(marker)) return false;
  // It is CPython that runs the tests.
  if (/^(?:platform_python_implementation|implementation_name) != 'PyPy'$/.test(marker)) return true;
  const [, operator, wanted] = /^python_full_version (<|>=|==) '3\.(\d+)(?:\.\d+|\.\*)?'$/.exec(marker) ?? [];
  if (operator === undefined) throw new Error(`It is not known what this marker says: ${marker}`);
  if (operator === '<') return minor < Number(wanted);
  return operator === '>=' ? minor >= Number(wanted) : minor === Number(wanted);
}

describe('bundles', () => {
  test('are looked at as they are deployed', () => {
    const [, settings = ''] = /\n {2}esbuild:\n((?: {4}.*\n)+)/.exec(projectFile('serverless.yml')) ?? [];
    const { mainFields, alias, ...options } = bundleOptions;
    for (const [name, value] of Object.entries(options)) {
      expect(settings).toContain(`    ${name}: ${value}\n`);
    }
    expect(settings).toContain('    plugins: resources/bundles.ts\n');
    expect(settings).toContain(`    mainFields: [${mainFields.join(', ')}]\n`);
    const aliases = Object.entries(alias).map(([name, file]) => `      "${name}": ${file}\n`);
    expect(settings).toContain(`    alias:\n${aliases.join('')}`);
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

  test('each has its reason in docs/decisions.md', () => {
    const decisions = projectFile('docs/decisions.md');
    const all = Object.keys({ ...project.dependencies, ...project.devDependencies });
    expect(all.filter((name) => !decisions.includes(`\`${name}\``))).toEqual([]);
  });
});

describe.each([
  ['local/environment/emulator/requirements', []],
  ['test/build-requirements', []],
  // It has no wheel.
  ['test/requirements', ['--no-binary docopt']],
])('Python packages of %s', (path, options) => {
  const name = path.split('/').at(-1);
  const listed = requirementsOf(projectFile(`${path}.txt`));
  const wanted = projectFile(`${path}.in`)
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));

  test('are listed by the command that its first lines name, which Dependabot repeats', () => {
    const command = `uv pip compile --universal --generate-hashes --emit-build-options --python-version=3.10 --output-file=${name}.txt ${name}.in`;
    expect(projectFile(`${path}.txt`).split('\n')[1]).toBe(`#    ${command}`);
    const directory = path.split('/').slice(0, -1).join('/');
    expect(projectFile('.github/dependabot.yml')).toContain(
      `package-ecosystem: uv\n    directory: /${directory}\n`,
    );
  });

  test('are checked against their hash, all of them, on whatever system', () => {
    expect(listed.packages.length).toBeGreaterThan(0);
    for (const { line, hashes } of listed.packages) {
      expect([line, hashes.length > 0]).toEqual([line, true]);
      for (const hash of hashes) expect(hash).toMatch(/^--hash=sha256:[0-9a-f]{64}$/);
    }
    // No other place to take them from, and nothing without a hash.
    expect(listed.options).toEqual(options);
  });

  test('are those that are wanted, in the same version, and what they need', () => {
    expect(wanted.filter((line) => line.startsWith('-'))).toEqual(options);
    const names = new Set(listed.packages.map((each) => each.name));
    const direct = listed.packages.filter(({ via }) => via.includes(`-r ${name}.in`));
    expect(direct.map((each) => `${each.name}==${each.version}`).sort()).toEqual(
      wanted.filter((line) => !line.startsWith('-')).sort(),
    );
    for (const { line, via } of listed.packages) {
      expect([line, via.length > 0]).toEqual([line, true]);
      const strangers = via.filter((parent) => parent !== `-r ${name}.in` && !names.has(parent));
      expect([line, strangers]).toEqual([line, []]);
    }
  });

  test('have one version on each Python', () => {
    for (const minor of [10, 11, 12, 13, 14, 15]) {
      const installed = listed.packages.filter(({ marker }) => appliesOn(minor, marker));
      const names = installed.map((each) => each.name);
      expect(names.filter((each, index) => names.indexOf(each) !== index)).toEqual([]);
      for (const each of wanted.filter((line) => !line.startsWith('-'))) {
        expect(names).toContain(each.split('==')[0]);
      }
    }
  });
});

describe('the bill of materials', () => {
  let bom: unknown;
  beforeAll(() => {
    bom = JSON.parse(
      execFileSync('npm', ['sbom', '--sbom-format', 'cyclonedx'], {
        cwd: projectRoot,
        encoding: 'utf8',
        maxBuffer: 64 * 1024 * 1024,
      }),
    );
  });

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
