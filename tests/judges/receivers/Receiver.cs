// Runs a program that verifies, for the tests: cases on stdin, one a line, as words in base64: the body, then each
// header's name and value; answers on stdout as a JSON list.
using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;

public static class Receiver
{
    public static void Main()
    {
        var answers = new List<string>();
        for (var line = Console.ReadLine(); line != null; line = Console.ReadLine())
        {
            var words = line.Split(' ').Select(Convert.FromBase64String).ToArray();
            var headers = new Dictionary<string, string>();
            for (var index = 1; index < words.Length; index += 2)
            {
                headers[Encoding.UTF8.GetString(words[index])] = Encoding.UTF8.GetString(words[index + 1]);
            }
            answers.Add(Webhook.Verify(headers, words[0]) ? "true" : "false");
        }
        Console.WriteLine("[" + string.Join(",", answers) + "]");
    }
}
