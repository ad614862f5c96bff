using System.Security.Cryptography;
using System.Text;
using XInstruct.Domain.Identities;
using XInstruct.Domain.Provenance;

namespace XInstruct.Domain.Tests.Provenance;

/// <summary>These figures were worked out with Python's hashlib and uuid over docs/formats.md. A change here is a broken promise to every stored release.</summary>
public sealed class HashChainTests
{
    private static readonly Guid Subject = new("00112233-4455-6677-8899-aabbccddeeff");

    [Fact]
    public void Content_FirstEvent_MatchesTheIndependentFigure() =>
        HashChain.Content(HashChain.Start, Subject, "sample_kept", "{\"iteration\":0,\"rank\":1}"u8).ShouldBe("baf98d4f491ed1a070c591f5fda9ad679ee8102c0e5221b4f02465cf8d850aab");

    [Fact]
    public void Record_SecondEvent_MatchesTheIndependentFigure() =>
        HashChain.Record(new string('a', 64), Subject, 2, "sample_kept", "{\"iteration\":0,\"rank\":1}"u8, "{\"run\":\"r\"}"u8).ShouldBe("f391a93c51abe4f26447590959d468124ae1f8ea776f7de0f45d64bd0641df3b");

    [Fact]
    public void Identities_KnownNames_MatchTheIndependentFigures()
    {
        Identity.Sample("sw", "Habari ya asubuhi").ShouldBe(new Guid("6c29803d-5f62-5fd5-a1a9-12ae93a17f31"));
        Identity.Source("sw", new string('0', 64)).ShouldBe(new Guid("7b3733c2-27d1-5f25-ab6a-03c3fed7c216"));
        Identity.RunStream("demo-12345678").ShouldBe(new Guid("c9569177-4879-5ed2-9395-8790d83785ce"));
        Identity.Stream("demo-12345678", Subject).ShouldBe(new Guid("42de2d2f-be61-5cfd-a7fb-11deda8dd872"));
    }

    [Fact]
    public void Of_DnsExampleOfTheRfc_MatchesIt() =>
        NameUuid.Of(new Guid("6ba7b810-9dad-11d1-80b4-00c04fd430c8"), "www.example.com").ShouldBe(new Guid("2ed6657d-e927-568b-95e1-2665a8aea6a2"));

    [Fact]
    public void Compare_Guids_OrdersByTheirWrittenForm()
    {
        var ids = Enumerable.Range(0, 200).Select(i => Identity.Sample("sw", $"{i}")).ToList();
        ids.Order(Comparer<Guid>.Create(Identity.Compare)).ShouldBe(ids.OrderBy(i => i.ToString(), StringComparer.Ordinal));
    }

    [Fact]
    public void Root_SevenLeaves_EqualsTheRecursiveDefinition()
    {
        for (var count = 0; count < 20; count++)
        {
            var leaves = Enumerable.Range(0, count).Select(i => new MerkleTree.Leaf(Identity.Sample("sw", $"{i}"), i, ContentHash.Of($"{i}"))).ToList();
            MerkleTree.Root(leaves).ShouldBe(Convert.ToHexStringLower(Recursive(leaves)));
        }
    }

    [Fact]
    public void Root_SubjectsOutOfOrder_IsThatOfTheirOrder()
    {
        var leaves = Enumerable.Range(0, 3000).SelectMany(i => Enumerable.Range(1, i % 4).Select(v => new MerkleTree.Leaf(Identity.Sample("sw", $"{i}"), v, ContentHash.Of($"{i} {v}")))).ToList();
        using var sorter = new MerkleSorter(() => new MemoryStream());
        foreach (var leaf in leaves) sorter.Add(leaf);
        sorter.Root().ShouldBe(MerkleTree.Root(leaves.OrderBy(l => l.Subject, Comparer<Guid>.Create(Identity.Compare)).ThenBy(l => l.Version)));
        sorter.Root().ShouldNotBe(MerkleTree.Root(leaves));
        using var none = new MerkleSorter(() => new MemoryStream());
        none.Root().ShouldBe(MerkleTree.Root([]));
    }

    private static byte[] Recursive(List<MerkleTree.Leaf> leaves)
    {
        if (leaves.Count == 0) return SHA256.HashData([]);
        if (leaves.Count == 1)
        {
            var leaf = leaves[0];
            return SHA256.HashData([0, .. leaf.Subject.ToByteArray(bigEndian: true), .. BitConverter.GetBytes(leaf.Version).Reverse(), .. Convert.FromHexString(leaf.Hash)]);
        }

        var split = 1;
        while (split * 2 < leaves.Count) split *= 2;
        return SHA256.HashData([1, .. Recursive(leaves[..split]), .. Recursive(leaves[split..])]);
    }
}
