using System.Buffers.Binary;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using XInstruct.Training.Checkpoints;
using static TorchSharp.torch;

namespace XInstruct.Training.Tests.Checkpoints;

public sealed class SafetensorsTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("xi-safetensors");

    private string At(string name) => Path.Combine(_folder.FullName, name);

    [Theory]
    [InlineData(ScalarType.Float32, 4)]
    [InlineData(ScalarType.Float16, 2)]
    [InlineData(ScalarType.BFloat16, 2)]
    [InlineData(ScalarType.Float64, 8)]
    [InlineData(ScalarType.Int64, 8)]
    public void Read_OfWrite_IsTheTensor(ScalarType type, int size)
    {
        using var tensor = arange(0, 24).to_type(type).reshape(2, 3, 4);
        Safetensors.Write(At("one.safetensors"), [("a.b", tensor)]);
        var place = Safetensors.ReadHeader(At("one.safetensors")).ShouldHaveSingleItem();
        (place.Name, place.Type, place.Length).ShouldBe(("a.b", type, 24L * size));
        place.Shape.ShouldBe([2, 3, 4]);
        using var read = Safetensors.Read(place);
        read.Equals(tensor).ShouldBeTrue();
    }

    [Fact]
    public void Write_SameTensorsInAnotherOrder_GivesTheSameBytes()
    {
        using var a = arange(0, 6).to_type(ScalarType.Float32);
        using var b = ones(2, 2);
        Safetensors.Write(At("1"), [("x", a), ("y", b)]);
        Safetensors.Write(At("2"), [("y", b), ("x", a)]);
        File.ReadAllBytes(At("1")).ShouldBe(File.ReadAllBytes(At("2")));
    }

    [Fact]
    public void Write_TransposedTensor_WritesItsElementsInOrder()
    {
        using var matrix = arange(0, 6).to_type(ScalarType.Float32).reshape(2, 3);
        using var turned = matrix.t();
        Safetensors.Write(At("t"), [("w", turned)]);
        using var read = Safetensors.Read(Safetensors.ReadHeader(At("t"))[0]);
        read.data<float>().ToArray().ShouldBe([0, 3, 1, 4, 2, 5]);
    }

    [Theory]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""", "has 4 bytes; its shape and type need 8")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,800]}}""", "outside the file's 16 data bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}""", "outside")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}""", "shape")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4611686018427387904,4611686018427387904],"data_offsets":[0,8]}}""", "no file can hold")]
    [InlineData("""{"a":{"dtype":"Q4","shape":[2],"data_offsets":[0,8]}}""", "dtype Q4")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":["0","8"]}}""", "data_offsets")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""", "overlaps a")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}""", "no gaps")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", "belong to no tensor")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4],"dtype":"F32","data_offsets":[0,16]}}""", "dtype twice")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}} x""", "not JSON")]
    [InlineData("""{"a":{"shape":[4],"data_offsets":[0,16]}}""", "no dtype")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,4],"data_offsets":[0,16]}}""", "shape")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}""", "twice")]
    [InlineData("""{"a":3}""", "no description")]
    [InlineData("[]", "not an object")]
    [InlineData("{", "not JSON")]
    public void ReadHeader_HostileHeader_SaysWhatIsWrong(string header, string problem)
    {
        var json = Encoding.UTF8.GetBytes(header);
        var bytes = new byte[8 + json.Length + 16];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, json.Length);
        json.CopyTo(bytes, 8);
        File.WriteAllBytes(At("bad"), bytes);
        var error = Should.Throw<CheckpointException>(() => Safetensors.ReadHeader(At("bad")));
        error.Message.ShouldContain(problem);
        error.File.ShouldBe(At("bad"));
    }

    [Theory]
    [InlineData(new byte[] { 1, 2, 3 }, "too short")]
    [InlineData(new byte[] { 255, 255, 255, 255, 255, 255, 255, 255, 0 }, "only 1 follow")]
    public void ReadHeader_TruncatedFile_SaysSo(byte[] bytes, string problem)
    {
        File.WriteAllBytes(At("short"), bytes);
        Should.Throw<CheckpointException>(() => Safetensors.ReadHeader(At("short"))).Message.ShouldContain(problem);
    }

    [Fact]
    public void ReadHeader_AnyBytesChanged_ReadsOrRefusesButNeverCrashes()
    {
        using var tensor = arange(0, 8).to_type(ScalarType.Float32);
        Safetensors.Write(At("good"), [("w", tensor)]);
        var good = File.ReadAllBytes(At("good"));
        Prop.ForAll<(byte, byte)[]>(changes =>
        {
            var bytes = (byte[])good.Clone();
            foreach (var (at, value) in changes) bytes[at % bytes.Length] = value;
            File.WriteAllBytes(At("changed"), bytes);
            try
            {
                foreach (var place in Safetensors.ReadHeader(At("changed"))) Safetensors.Read(place).Dispose();
            }
            catch (CheckpointException)
            {
                return true;
            }

            return true;
        }).QuickCheckThrowOnFailure();
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
