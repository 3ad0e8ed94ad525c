/** Bundles the command line into cli/dist. */
import { join } from 'node:path';
import { projectRoot } from '../local/environment/paths.ts';
import { bundleCommandLine } from './command-line.ts';

await bundleCommandLine(join(projectRoot, 'cli', 'dist'));
