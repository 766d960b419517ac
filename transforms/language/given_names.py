"""Given names of men and women in English news, in lower case without accents."""

from typing import Final

from transforms.language.word_lists import word_set

MALE_GIVEN_NAMES: Final = word_set("""
    aaron abdul abraham adam adrian ahmed alan albert alejandro alexander alexei alfred ali
    allan allen alvin amir anders andre andrei andres andrew andy angelo angus anthony antonin
    antonio ari arnold arthur arturo asa austin barack barney barry bashar basil ben benjamin
    bernard bernie bill billy bob bobby boris brad bradley brandon brendan brent brett brian
    brock bruce bruno bryan byron cal caleb calvin cameron carl carlos carter cedric cesar chad
    charles charlie chase chester chip chris christian christopher chuck clarence clark clay
    cliff clifford clint clinton cody colin conor corey cory craig curt curtis cyrus dale damian
    damon dan daniel danny darius darrell darren darryl dave david davis dean denis dennis
    denzel derek desmond devin dick diego dimitri dominic dominique don donald donnie doug
    douglas drew duane duncan dustin dwight earl ed eddie edgar edmund eduardo edward edwin eli
    elias elijah elliot elliott elmer emanuel emil emilio enrico enrique eric erich erick erik
    ernest ernesto ethan eugene evan fabio felix fernando floyd francisco francois frank
    franklin fred freddie frederick gabriel garrett garry gary gavin gene geoff geoffrey george
    gerald gerard gilbert gilberto giovanni giuseppe glen glenn gonzalo gordon graham grant greg
    gregg gregory guido guillermo gus gustavo guy hakeem hamid hank hans harold harry hassan
    hector henry herbert herman howard hugh hugo hussein ian ibrahim ignacio igor ildefonso ira
    irving isaac isaiah ismael ivan jack jacob jaime jake jamal james jared jarrod jason jasper
    javier jay jeb jeff jeffery jeffrey jens jerald jeremiah jeremy jermaine jeroen jerome
    jerrold jerry jesus jim jimmy joaquin joe joel johan john johnny jon jonah jonathan jorge
    jose joseph josh joshua juan jude jules julian julio justin kamal karl keenan keir keith
    kelvin ken kenneth kerry kevin kirk klaus kofi konstantin kris kurt kyle lamar lamont lance
    larry lars lawrence leo leon leonard leonardo leroy lester levi lewis liam lincoln lindsey
    lionel lloyd logan lorenzo louis luc luca lucas lucian luis luke luther mahmoud malcolm
    malik mamadou manny manuel marc marcel marcelo marco marcus mariano mario mark marshall
    martin marty marvin mathew matt matthew maurice mauricio max mel mervyn michael mickey
    miguel mike mikhail milo milton mitch mitt mohamad mohamed mohammad mohammed morris moses
    muhammad murray mustafa myron nasser nate nathan nathaniel ned neil nelson newt nicholas
    nick nico nigel nikita nikolai nikolaus noah norman oliver omar orlando orrin osama oscar
    otto owen pablo parker patrick paul pavel pedro perry pete peter phil philip phillip pierre
    pranab quentin rafael raheem ralf ralph ramesh ramon rand randy rashid raul ray raymond
    reggie reginald reince rene reuben rex reza rhys ricardo richard richie rick rishi rob
    robert roberto rod rodney rodolfo rodrigo rogelio roger rohan roland rolf roman ron ronald
    ronan roosevelt rory ross roy ruben rudolph rudy rupert russ russel russell ryan salvador
    sam sameer samir sammy samuel sanjay santiago saul scott sean sebastian sergei sergio seth
    shaun shawn sheldon sherman sherrod sidney silvio simon sohail solomon spencer stan stanley
    stefan stephan stephen sterling steve steven stewart stuart sven sylvester tarek tariq ted
    teddy terrence theodore thomas tim timothy tobias tobin todd tom tomas tommy tony travis
    trent trevor trey troy tucker tyler ulrich umar uri usman vernon victor vijay vince vincent
    vitaly vito vlad vladimir volodymyr wade wallace walter warren wayne wendell wesley wilbur
    wilfred will william willie wilson winston wolf woodrow xavier yasser yitzhak yuri yusef
    yusuf zachary zack zoran
    """)
FEMALE_GIVEN_NAMES: Final = word_set("""
    abby abigail ada addison adele adriana agatha agnes aisha alana alba alejandra alexa
    alexandra alexis alice alicia alina alisha alison allie allison alma alyson alyssa amal
    amanda amber amelia amina amy ana anastasia andrea angela angelica angelina angie anika
    anita ann anna anne annette annie anya april ariana arianna arlene ashlee ashley astrid
    audrey ava aya ayanna ayesha barbara beatrice becky bella bernadette bernice beth bethany
    betsy bettina betty beverly blanca bonita bonnie brenda briana brianna bridget brigitte
    brittany callie camille candace cara carina carissa carla carlotta carly carmen carol carole
    caroline carolyn carrie cassandra catherine cathy cecilia celeste celia chantal
    charlene charlotte chelsea cheri cherie cheryl chloe christina christine christy cindy
    claire clara claudette claudia cleo colleen condoleezza constance cora cordelia cristina
    crystal cynthia daisy danielle daphne darlene dawn deanna debbie deborah debra delia delores
    denise desiree diana diane dina dolores donatella donna dora doris dorothea dorothy edith
    edna eileen elaina elaine eleanor elena elisabeth elise eliza elizabeth ella ellen elsa
    elsie emilia emily emma erica erika erin ernestine estelle esther ethel eunice eva
    evangeline eve evelyn evita faith fatima felicia fern fiona florence frances frida gabriela
    gabrielle gail gemma genevieve georgina geraldine germaine gertrude gina ginger gladys
    gloria grace greta gretchen guadalupe gwen gwendolyn haley hanna hannah harriet harriett
    hayley hazel heather heidi helen helena henrietta hilary hillary holly hope huma ida ilana
    ilhan imani imelda imogen ines ingrid irene iris isabel isabella isla ivana ivanka jackie
    jacqueline jada jan jane janelle janet janice janine janis jasmine jean jeanette jeanine
    jeanne jeannie jenna jennie jennifer jenny jessica jessie jill jo joan joann joanna joanne
    jocelyn jody johanna jordana josefina josephine joy joyce juanita judi judith judy julia
    juliana julie june justine kaitlyn kamala karen karin karla katarina kate katelyn katharine
    katherine kathleen kathryn kathy katie katrina katya kay kayla keisha kellie kelly kellyanne
    kendra keri kiara kim kimberly kirsten kirstie kristen kristi kristin kristina kristine
    kylie lana lara latoya latrice laura lauren leah leanne leila lena leslie leticia lila
    lillian lily linda lindsay lisa liz lois lola lorena loretta lori lorraine louise lucia lucy
    luisa lupita luz lydia lynn mabel mackenzie madeleine madeline mae magdalena maggie maite
    mallory mara marcella marcia margaret margarita margo margot maria marian maribel marie
    marilyn marina marisa marisol marissa marjorie marlene martha mary maureen maxine maya megan
    megyn melania melanie melinda melissa mercedes meredith mia michaela michelle mika mildred
    millie mimi mindy minnie miranda miriam molly mona monica muriel myra nadia nadine nancy
    naomi natalia natalie natasha nell nellie nelly nettie nia nicole nikki nina noelle noemi
    nora norah norma oksana olga olivia opal paige pam pamela patrice patricia paula paulette
    pauline pearl peggy penelope petra phoebe phyllis pilar polly portia priscilla priya rachel
    ramona raquel rashida reba rebecca rebekah regan regina renata renee rhonda rihanna rita
    roberta rosa rosalind rosalyn rosario rose rosemary rosie roslyn roxana roxanne ruby ruth
    sabrina sadie sally samantha samira sandra sara sarah sasha savannah selena serena serene
    shana shanna shannon sharon sheila shelby shelley sherry sheryl shirley shonda silvia simona
    simone sinead skye sofia sonia sonja sonya sophia sophie soraya stacey stacy stefanie stella
    stephanie sue summer susan susana susanne suzanne svetlana sybil sylvia tabitha tamara
    tamika tammy tania tanya tara tatiana teresa tess tessa thelma theresa tiffany tina tracy
    trisha tulsi ursula valeria valerie vanessa velma vera verna veronica vicki victoria viola
    violet virginia vivian vivienne wanda wendy whitney wilma winifred winona xenia yasmin
    yasmine yelena yesenia yolanda yolande yvette yvonne zainab zara zelda zoe
    """)

AMBIGUOUS_GIVEN_NAMES: Final = word_set("""
    april ari ashley aung austin brock cal cameron carolina chad charlotte chase chelsea
    christian clay clinton dale davis diego eugene faith florence floyd ford francisco glen
    grace grant harris helena hope india jackie jackson jeffries jesus johns jordan joy june
    kelly kent king kirk lamont leon lincoln logan louis madison may mercedes morgan murray
    orlando parker pearl prince regina roosevelt rose ruby salvador santiago savannah sharon
    sherman skye sofia sterling summer troy vernon victoria virginia warren wells will wilson
    wolf
    """)
"""Given names that also begin names of places and organisations, and words that look like them."""

GIVEN_NAMES: Final = (MALE_GIVEN_NAMES | FEMALE_GIVEN_NAMES) - AMBIGUOUS_GIVEN_NAMES
"""Given names that show that the name they begin is a person's."""
