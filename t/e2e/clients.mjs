// What test_clients.py does with the client in Python, with that in JavaScript.
// Arguments: the client's address, the service's, an admin's token.
import assert from 'node:assert/strict';

const [client, url, token] = process.argv.slice(2);
const {Newsfeed, Problem} = await import(client);
const feed = new Newsfeed(url + '/', async () => token);

const is = (status, more) => (fault) => {
  assert.ok(fault instanceof Problem, fault);
  assert.equal(fault.status, status);
  more?.(fault.members);
  return true;
};

const [ann, bob, tom] = (await feed.addParticipants(['Ann', 'Bob', 'Tom'])).map(({id}) => id);
assert.equal((await feed.addParticipant('Eve', {key: `js-${ann}`})).id,
  (await feed.addParticipant('Eve', {key: `js-${ann}`})).id);
assert.equal((await feed.renameParticipant(ann, 'Änn')).name, 'Änn');
assert.equal((await feed.getParticipant(ann)).name, 'Änn');
const friendship = await feed.addFriend(ann, bob);
assert.deepEqual((await feed.addFriends(ann, [bob, tom])).map(({status}) => status), [200, 200]);
assert.equal((await feed.getFriend(ann)).at(-1).id, friendship.id);
assert.equal(await feed.removeFriend(ann, tom), undefined);

const posts = [];
for (let i = 0; i < 5; i++) posts.unshift((await feed.addOutbound(ann, `js${ann}`, 'Story')).id);
const page = await feed.getInbound(bob, {limit: 2});
const older = await page.next();
assert.deepEqual([page, older].map((each) => each.map(({id}) => id)),
  [posts.slice(0, 2), posts.slice(2, 4)]);
assert.deepEqual([...(await older.prev())], [...page]);
assert.deepEqual([...(await page.prev())], []);
const all = [];
for await (const {id} of page.all()) all.push(id);
assert.deepEqual(all, posts);
assert.equal(await (await feed.getOutbound(ann)).next(), null);

const item = await feed.getOutboundItem(ann, posts[0]);
const edited = await feed.editOutbound(ann, posts[0], {story: 'Edited'}, {ifMatch: item.etag});
assert.deepEqual([edited.story, edited.subject], ['Edited', `js${ann}`]);
await assert.rejects(feed.editOutbound(ann, posts[0], {story: 'Late'}, {ifMatch: item.etag}), is(412));
assert.equal((await feed.setMarker(bob, posts[1])).unread, 1);
assert.equal((await feed.getMarker(bob)).last_read, posts[1]);
await feed.removeOutbound(ann, posts[1]);
await assert.rejects(feed.getOutboundItem(ann, posts[1]), is(404));

for (let found = []; found.length < 4;)
  found = await feed.searchItems(`"js${ann}"`, {author: ann, highlight: true});
assert.deepEqual([...(await feed.searchOutbound(`js${ann}`))], [`/participant/${ann}`]);

await assert.rejects(feed.addOutbound(ann, '', ''), is(400, ({errors}) => assert.deepEqual(
  errors.map(({pointer}) => pointer), ['#/subject', '#/story'])));
await assert.rejects(new Newsfeed(url).getInbound(bob), is(401));

// Whoever waits for news may be told to stop, and a stream that is refused ends.
const stop = new AbortController();
for await (const {event} of feed.getInboundStream(bob, {signal: stop.signal})) {
  assert.equal(event, 'ready');
  setTimeout(() => stop.abort(), 1);
}
await feed.removeParticipant(bob);
await assert.rejects(feed.getInboundStream(bob).next(), is(404));
