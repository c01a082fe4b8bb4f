/** The paths of the user service, as far as it lists them. */
import { ResourceKind } from '#proto/data/v1/data_pb.ts';
import { USER_ACCOUNT } from './accounts.ts';
import { joined, type Part } from './document.ts';
import { isWanted, ownPart, resourceNames, rootPart } from './resources.ts';
import type { Subject } from './subject.ts';

export async function describeUser({ service, word, catalogue, access, wants }: Subject): Promise<Part> {
  const listed = await catalogue.resources(service, ResourceKind.ROOT);
  const names = listed.map((each) => String(each['name'])).filter((name) => access.may([name], 31));
  const parts = [rootPart(word), ...names.map((name) => ownPart(USER_ACCOUNT[name], word, name))];
  return {
    entries: parts.flatMap(({ entries }) => entries).filter(({ path }) => isWanted(wants, path)),
    components: joined(...parts.map(({ components }) => components)),
    extensions: resourceNames('user', names),
  };
}
