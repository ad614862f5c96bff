using TorchSharp.Native;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        private static readonly Op s_normal = new("aten::normal_"), s_uniform = new("aten::uniform_"), s_bernoulli = new("aten::bernoulli"), s_bernoulliIn = new("aten::bernoulli_.float"), s_multinomial = new("aten::multinomial"), s_exponential = new("aten::exponential_"), s_random = new("aten::random_.from");

        public Tensor normal_(double mean = 0.0, double std = 1.0, Generator? generator = null) => s_normal.On(this, mean, std, generator);

        public Tensor uniform_(double from, double to, Generator? generator = null) => s_uniform.On(this, from, to, generator);

        public Tensor bernoulli(Generator? generator = null) => s_bernoulli.Call(this, generator);

        public Tensor bernoulli_(double p = 0.5, Generator? generator = null) => s_bernoulliIn.On(this, p, generator);

        public Tensor multinomial(long num_samples, bool replacement = false, Generator? generator = null) => s_multinomial.Call(this, num_samples, replacement, generator);

        public Tensor exponential_(double lambda = 1.0, Generator? generator = null) => s_exponential.On(this, lambda, generator);

        public Tensor random_(double from, double to, Generator? generator = null) => s_random.On(this, (long)from, (long?)to, generator);
    }
}
