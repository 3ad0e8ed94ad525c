import * as z from 'zod';
import { defineCommand } from '../command.ts';
import { findIntegration, readConnection } from '../connection/find.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';
import { cloudFormation } from '../export/cloudformation.ts';
import { createdBy } from '../export/resources.ts';
import { terraform } from '../export/terraform.ts';

const formatSchema = z.enum(['terraform', 'cloudformation'], '--format must be terraform or cloudformation.');

/** What was created, for those who take over by hand. */
export const exportResources = defineCommand({
  name: 'export',
  summary: 'Write Terraform import blocks, or a CloudFormation template, for what was created.',
  takes: [['<integration>', 'name or id (int_…)']],
  flags: [
    ['--format <format>', 'terraform or cloudformation; default: terraform'],
    ['--imports', 'with cloudformation: the list for --resources-to-import instead of the template'],
  ],
  schema: z.object({ format: formatSchema.default('terraform'), imports: z.literal(true).optional() }),
  examples: ['export acme-images --format terraform', 'export acme-images --format cloudformation --imports'],
  run: async ({ names: [name = ''], flags }, session) => {
    const { world, screen, settings } = session;
    if (flags.imports && flags.format !== 'cloudformation') {
      throw new CommandError(exitCodes.usage, '--imports goes with --format cloudformation.', {
        next: `export ${name} --format cloudformation --imports`,
      });
    }
    const api = await session.api();
    const { value: integration } = await findIntegration(api, name);
    const added = await Promise.all(
      (integration.drivers ?? []).map(async ({ links }) => (await readConnection(api, links.self)).value),
    );
    const created = createdBy(integration, added);
    if ([...created.buckets, ...created.policyArns, created.roleArn ?? []].flat().length === 0) {
      throw new CommandError(
        exitCodes.refused,
        `${integration.name} (${integration.status}) owns nothing in AWS.`,
        {
          next: `status ${integration.name}`,
        },
      );
    }
    if (flags.format === 'terraform') {
      const text = terraform(created);
      screen.write(text);
      screen.document({ terraform: text });
      return exitCodes.done;
    }
    const { roleArn, policyArns } = created;
    const account = world.account(settings);
    const policies = roleArn
      ? await account.policies(roleArn, policyArns)
      : { trust: undefined, permissions: {}, permissionsBoundaryArn: undefined };
    const { template, imports } = cloudFormation(created, policies);
    const document = flags.imports ? imports : template;
    screen.write(`${JSON.stringify(document, undefined, 2)}\n`);
    screen.document(document);
    return exitCodes.done;
  },
});
