{application, tide, [
    {vsn, "1.0.0"},
    {applications, [kernel, stdlib, ssl]},
    {description, "Says over HTTP which nodes it is connected to"},
    {modules, [tide, 'tide@@main']},
    {registered, []}
]}.
