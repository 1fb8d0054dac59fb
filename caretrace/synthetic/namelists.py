"""Names people in England carry, by community, sex and decade of birth, most frequent first.

The order follows the Office for National Statistics' historic and yearly lists of babies' names as generally known; the
exact shares are assumed. Faker's locales supply the long tails (see pools.py); these are the heads of the lists.
"""

from __future__ import annotations

COHORT_STARTS = (1900, 1940, 1960, 1980, 2000)
"""First year of birth of each cohort."""

HEAD_SHARE = (0.78, 0.72, 0.64, 0.55, 0.45)
"""Share of a cohort that carries a name of its head list: parents choose from ever more names [assumed]."""

BRITISH_FEMALE = (
    "Mary Margaret Doris Joan Dorothy Kathleen Joyce Jean Barbara Sheila Patricia Irene Betty Edna Audrey Eileen "
    "Elsie Hilda Vera Ivy Marjorie Phyllis Edith Florence Brenda Sylvia June Beryl Muriel Winifred",
    "Margaret Patricia Christine Mary Jean Ann Susan Janet Maureen Barbara Valerie Carol Sandra Pauline Elizabeth "
    "Joan Pamela Jennifer Kathleen Linda Sheila Shirley Anne Judith Marilyn Gillian Jacqueline Brenda Lesley Hilary",
    "Susan Julie Karen Jacqueline Deborah Tracey Jane Helen Diane Sharon Tracy Angela Sarah Alison Caroline Amanda "
    "Sandra Linda Catherine Elizabeth Carol Joanne Wendy Janet Nicola Claire Louise Michelle Lisa Dawn",
    "Sarah Laura Gemma Emma Rebecca Claire Victoria Samantha Rachel Amy Jennifer Nicola Katie Lisa Kelly Natalie "
    "Louise Michelle Hayley Hannah Charlotte Jessica Lauren Chloe Emily Sophie Danielle Stephanie Kirsty Bethany",
    "Chloe Emily Megan Olivia Sophie Charlotte Lauren Jessica Ellie Amelia Isla Ava Lily Grace Mia Ruby Evie Poppy "
    "Isabella Freya Lucy Molly Daisy Florence Sienna Millie Ella Holly Phoebe Erin",
)
BRITISH_MALE = (
    "John William George James Ronald Robert Kenneth Frederick Thomas Albert Eric Edward Arthur Charles Leslie "
    "Sidney Frank Dennis Joseph Harold Ernest Norman Stanley Peter Reginald Raymond Walter Alfred Henry Derek",
    "John David Michael Peter Robert Anthony Brian Alan William James Richard Kenneth Roger Keith Colin Christopher "
    "Raymond Terence Malcolm Graham Barry Derek Geoffrey Roy Trevor Stephen Ronald Thomas Patrick Dennis",
    "David Paul Andrew Mark John Michael Stephen Ian Robert Richard Christopher Peter Simon Anthony Kevin Gary "
    "Steven Martin James Philip Alan Neil Nigel Timothy Colin Graham Jonathan Nicholas Darren Lee",
    "Christopher James David Daniel Michael Matthew Andrew Richard Paul Mark Thomas Adam Robert John Lee Benjamin "
    "Steven Jonathan Craig Stephen Simon Nicholas Peter Anthony Alexander Gary Ryan Joshua Luke Samuel",
    "Jack Thomas Joshua James Oliver Daniel Harry Samuel William Joseph George Charlie Jacob Alfie Noah Oscar Leo "
    "Archie Henry Freddie Theo Ethan Lucas Max Benjamin Callum Liam Alexander Edward Logan",
)

# Muslim families of several origins share given names, so Pakistani, Bangladeshi, Somali and Arab pools begin here.
MUSLIM_FEMALE = (
    "Fatima Aisha Maryam Khadija Zainab Amina Nasreen Shazia Saima Nadia Rukhsana Shabana Farzana Samina Parveen "
    "Yasmin Razia Safia Hafsa Sumaiya Halima Zahra Noor Iqra Sana Ayesha Mariam Salma Rabia Bushra"
)
MUSLIM_MALE = (
    "Mohammed Muhammad Ahmed Ali Abdul Mohammad Hassan Ibrahim Omar Yusuf Imran Asif Tariq Khalid Zafar Nadeem "
    "Shahid Amir Bilal Hamza Usman Adnan Faisal Waqar Ismail Mahmood Syed Ayaan Zain Mustafa"
)
INDIAN_FEMALE = (
    "Priya Anita Sunita Meena Nisha Pooja Kavita Rekha Geeta Jaspreet Harpreet Manjit Surinder Gurpreet Asha Usha "
    "Lakshmi Deepa Neha Kiran Hansa Jyoti Bhavna Nirmala Kamlesh Sarita Radha Anjali Simran Diya"
)
INDIAN_MALE = (
    "Rajesh Sanjay Anil Vijay Ramesh Suresh Amit Ashok Rakesh Harjit Gurpreet Jaswinder Balwinder Kuldip Mohan "
    "Dinesh Bharat Kishan Arjun Ravi Nikhil Rohan Krishna Deepak Manoj Pritpal Avtar Sunil Jagdish Arun"
)
CHINESE_FEMALE = "Mei Li Xiu Ying Hui Yan Fang Jing Na Wei Yuk Siu Lai Wai Ching Ka-Yan Suk Mei-Ling Xia Qing"
CHINESE_MALE = "Wei Jun Ming Hao Chi Kwok Wing Kin Chun Ka-Ho Tak Man Hoi Lok Yu Jian Feng Bo Kai Shing"
POLISH_FEMALE = (
    "Anna Katarzyna Agnieszka Malgorzata Monika Joanna Ewa Magdalena Barbara Krystyna Zofia Maria Natalia "
    "Aleksandra Karolina Justyna Beata Dorota Iwona Julia"
)
POLISH_MALE = (
    "Piotr Krzysztof Tomasz Andrzej Pawel Marcin Michal Marek Grzegorz Jan Jozef Adam Lukasz Mateusz Jakub Rafal "
    "Dariusz Stanislaw Kamil Szymon"
)

PAKISTANI_SURNAMES = (
    "Khan Hussain Ahmed Mahmood Ali Akhtar Malik Iqbal Shah Mohammed Ahmad Bibi Begum Rashid Aslam Mirza Butt Raja "
    "Rafiq Hanif Sheikh Chaudhry Bashir Saleem Hussein Nawaz Qureshi Zaman Parveen Kauser Anwar Arshad Riaz Yousaf"
)
BANGLADESHI_SURNAMES = (
    "Begum Ali Miah Rahman Uddin Islam Ahmed Khatun Hussain Choudhury Khanom Hoque Khan Chowdhury Haque Bibi Alam "
    "Kamal Sultana Akhtar Mia Ullah Ahmad Hossain Talukder Sarkar Das Roy Nessa Akter"
)
INDIAN_SURNAMES = (
    "Patel Singh Kaur Shah Sharma Kumar Mistry Desai Gill Dhillon Sandhu Sidhu Joshi Mehta Gupta Verma Chauhan "
    "Parmar Solanki Bhatt Rai Nair Thomas Reddy Iyer Fernandes Bains Grewal Dhaliwal Pillai Amin Lad Rana Chohan"
)
CHINESE_SURNAMES = (
    "Wong Chan Chen Li Lee Zhang Wang Cheung Liu Lam Ng Yang Huang Lin Wu Zhou Lau Leung Tang Ho Yip Chow Cheng "
    "Zhao Xu Sun Kwok Yeung Lai Tsang Ma Zhu Fung Mak Chiu"
)
SOMALI_SURNAMES = (
    "Mohamed Ali Ahmed Hassan Abdi Omar Hussein Ibrahim Yusuf Warsame Farah Osman Adan Jama Nur Aden Abdullahi "
    "Ismail Mohamud Abdirahman Isse Elmi Dahir Said Salah Duale Guled Hersi Muse Barre"
)
ARAB_SURNAMES = (
    "Ahmed Ali Hassan Mohamed Ibrahim Al-Hassan Saleh Hussein Al-Ali Khalil Mahmoud Abdullah Saeed Nasser Al-Sayed "
    "Haddad Said Aziz Karim Mansour El-Sayed Hamdan Rahimi Ahmadi Karimi Yilmaz Demir Kaya Sahin Aydin"
)
WEST_AFRICAN_SURNAMES = (
    "Mensah Adeyemi Okafor Boateng Owusu Osei Okeke Appiah Addo Asante Eze Ogunleye Adebayo Balogun Obi Okoro Bello "
    "Nwosu Kamara Sesay Conteh Bangura Koroma Amoako Agyeman Okonkwo Adekunle Acheampong Sarpong Nkrumah"
)
CARIBBEAN_SURNAMES = (
    "Campbell Brown Williams Thompson Clarke Francis Grant Gordon Reid Lewis Morgan Stewart Henry Johnson Bailey "
    "Smith Morrison Edwards Walker Powell Richards Wright Graham Joseph Davis Dixon Charles Facey Bent Dacosta"
)
IRISH_SURNAMES = (
    "Murphy Kelly O'Brien Walsh O'Connor Byrne Ryan O'Sullivan Doyle McCarthy Gallagher Kennedy Lynch Murray Quinn "
    "Moore McLoughlin O'Neill Carroll Connolly Daly O'Reilly Nolan Wilson Dunne Brennan Burke Collins Clarke "
    "O'Keeffe"
)

# Elements of English surnames from places; joined they make the long tail of rare names that Faker's list lacks.
SURNAME_STEMS = (
    "Ash Ald Atter Bar Beck Bent Birch Black Blen Brad Bram Brough Buck Burn Cald Carl Chad Chil Cold Cop Crans "
    "Craw Dal Den Ding Drax East Eccles Ellis Farn Fen Fern Fleck Fox Gar Gold Green Grims Had Hal Ham Hard Hart "
    "Hat Hawks Hazel Heath Hem Her Hin Hol Hors Hub Ingle Ken Kil Kirk Lang Lat Led Lin Lock Long Lyn Mab Marl Mas "
    "Mel Mid Mill Mor Nether New Nor Oak Old Os Pad Pem Pen Pick Pres Quar Rad Rams Red Ridge Rock Ros Rother Rush "
    "Sal Sand Scar Sel Shaw Shel Sher Ship Sil Skel Spald Stan Staple Stave Stock Stow Strick Sut Swin Tad Tap "
    "Thorn Thwait Tid Tor Tun Twy Ul Upp Wad Wal War Wat Weather Wel West Whar Whit Wick Wil Win Wood Wor Wyn Yar"
)
SURNAME_ENDINGS = (
    "ley ton field worth wood ford ham by thwaite bury combe croft dale den don gate grave hurst land lock low man "
    "mere more over ridge shaw side stead stock stone stow thorpe ville water way well wick wright burn bourne "
    "brook bridge"
)

STREET_STEMS = (
    "High Station Church Park Victoria Green Manor Kings Queens New Grange North South West East Mill London York "
    "Springfield School Albert George Alexandra Windsor Main Broadway Grove Richmond Stanley Chester Oak Ash Elm "
    "Beech Cedar Poplar Hawthorn Sycamore Willow Lime Laurel Rowan Maple Chestnut Primrose Rosemary Bramble "
    "Woodland Meadow Orchard Hill Valley Brook River Lake Spring Well Bridge Ford Castle Abbey Priory Cathedral "
    "Chapel Vicarage Rectory Farm Barn Dairy Stable Common Heath Moor Marsh Field Acre Croft Nelson Wellington "
    "Waterloo Trafalgar Clarence Cambridge Oxford Derby Lincoln Norfolk Suffolk Essex Kent Sussex Surrey Devonshire "
    "Cumberland Westmorland Lansdowne Cavendish Gladstone Salisbury Balfour Wordsworth Tennyson Shelley Byron "
    "Milton Chaucer Shakespeare Lark Swallow Kestrel Heron Swan Robin Falcon Saxon Roman Viking"
)
STREET_SUFFIXES = (
    ("Road", 0.34),
    ("Street", 0.15),
    ("Avenue", 0.12),
    ("Close", 0.11),
    ("Lane", 0.07),
    ("Drive", 0.07),
    ("Way", 0.03),
    ("Gardens", 0.03),
    ("Crescent", 0.02),
    ("Court", 0.02),
    ("Grove", 0.02),
    ("Place", 0.01),
    ("Terrace", 0.01),
)
HOUSE_NAMES = (
    "Rose Cottage|The Cottage|The Bungalow|Orchard House|The Coach House|The Old Rectory|Meadow View|The Old School|"
    "Ivy Cottage|Hillcrest|The Lodge|Woodlands|Fairview|The Barn|Holly House|The Gables"
)
AREAS = (
    # Postcode areas of south-east and middle England, and how many districts each may fill.
    "BR SE CR LU MK SG SW W NW DA SM KT TW HA EN N E IG RM AL HP WD SL RG GU RH TN ME CT BN PO SO SP OX NN PE CB IP "
    "CO SS NR LE CV B WS WV DY WR GL SN BA BS"
)

FEMALE_SURNAMES: dict[tuple[int, ...], tuple[str | None, tuple[str, ...], float]] = {
    # Communities (positions in pools.COMMUNITIES): the male name it stands beside, if one; names; share of women.
    (4,): ("Singh", ("Kaur",), 0.7),
    (5,): (None, ("Bibi", "Begum", "Akhtar", "Parveen", "Kauser"), 0.3),
    (6,): (None, ("Begum", "Khatun", "Khanom", "Bibi", "Akhtar", "Sultana"), 0.45),
}

# Everyday forms. Written here and not taken from the `nicknames` package, which the linkage uses: a generator that
# shared its table would measure the linkage by its own answers.
NICKNAMES = (
    "William:Bill,Will,Billy Robert:Bob,Rob,Bobby Richard:Dick,Rick,Richie John:Jack,Johnny James:Jim,Jimmy,Jamie "
    "Margaret:Peggy,Maggie,Meg Elizabeth:Liz,Betty,Beth,Lizzie Katherine:Kate,Kathy Catherine:Cath,Kate,Cathy "
    "Kathleen:Kath,Kathy Dorothy:Dot,Dolly Edward:Ted,Eddie,Ned Albert:Bert,Bertie Frederick:Fred,Freddie "
    "Thomas:Tom,Tommy Charles:Charlie,Chas Michael:Mick,Mike David:Dave,Davey Stephen:Steve Steven:Steve "
    "Anthony:Tony Christopher:Chris Patricia:Pat,Trish,Patsy Susan:Sue,Susie Barbara:Babs,Barb Deborah:Debbie,Deb "
    "Jennifer:Jenny,Jen Jacqueline:Jackie Christine:Chris,Chrissie Victoria:Vicky,Tori Samantha:Sam "
    "Samuel:Sam,Sammy Alexander:Alex,Sandy,Alec Alexandra:Alex,Sandra Nicholas:Nick,Nicky Nicola:Nicky,Nic "
    "Benjamin:Ben Daniel:Dan,Danny Joseph:Joe,Joey Matthew:Matt Andrew:Andy,Drew Philip:Phil Timothy:Tim "
    "Jonathan:Jon,Jonny Joshua:Josh Rebecca:Becky,Bex Kenneth:Ken,Kenny Ronald:Ron,Ronnie Raymond:Ray Leslie:Les "
    "Terence:Terry Gerald:Gerry Geoffrey:Geoff Reginald:Reg Leonard:Len Harold:Harry Henry:Harry Alfred:Alf,Fred "
    "Walter:Wally,Walt Arthur:Art Stanley:Stan Sidney:Sid Ernest:Ernie Donald:Don Douglas:Doug Francis:Frank "
    "Lawrence:Larry,Laurie Peter:Pete Patrick:Pat,Paddy Gordon:Gord Gillian:Gill Pamela:Pam Valerie:Val "
    "Sandra:Sandie Maureen:Mo Marjorie:Marge Winifred:Win,Freda Florence:Flo,Florrie Edith:Edie Eleanor:Nell,Ellie "
    "Frances:Fran Theresa:Terry,Tess Caroline:Carrie Amanda:Mandy Angela:Angie Michelle:Shelley Rachel:Rach "
    "Charlotte:Lottie,Charlie Emily:Em,Emmy Isabella:Bella,Izzy Amelia:Millie Olivia:Liv,Livvy Abigail:Abi,Abby "
    "Mohammed:Mo Abdul:Abs Harpreet:Preeti Gurpreet:Guri Malgorzata:Gosia Katarzyna:Kasia Agnieszka:Aga "
    "Krzysztof:Kris Tomasz:Tomek Stanislaw:Stan Lukasz:Luke Grzegorz:Greg Piotr:Peter Jan:John Nadeem:Nad "
    "Ibrahim:Ibby Hassan:Hass"
)
# One name, several spellings; the first line of each is no more right than the others.
SPELLINGS = (
    "Mohammed Muhammad Mohammad Mohamed Mohamad|Ahmed Ahmad Ahmet|Aisha Ayesha Aysha|Hussain Hussein Husain Hossain|"
    "Fatima Fatimah Fathima|Maryam Mariam Maryum|Yusuf Yousuf Yousef|Omar Umar|Ibrahim Ebrahim|Hassan Hasan|Ali Aly|"
    "Khadija Khadijah Khadeeja|Zainab Zaynab Zeinab|Nasreen Nasrin|Catherine Katherine Kathryn Catharine|"
    "Stephen Steven|Ann Anne|Sarah Sara|Jean Jeanne|Philip Phillip|Geoffrey Jeffrey|Alan Allan Allen|Brian Bryan|"
    "Lesley Leslie|Elizabeth Elisabeth|Lynn Lynne Lyn|Gillian Jillian|Tracey Tracy Traci|Claire Clare|Deborah Debra|"
    "Graham Graeme|Teresa Theresa|Kathleen Cathleen|Eileen Aileen|Sean Shaun Shawn|Ian Iain|Jon John|"
    "Michelle Michele|Hayley Hailey|Sophie Sophy|Isabel Isobel|Rebecca Rebekah|Vivien Vivian Vivienne|"
    "Frances Francis|Marjorie Marjory|Sydney Sidney|Clark Clarke|Smith Smyth Smythe|Brown Browne|Davies Davis|"
    "Thompson Thomson|Read Reid Reed|Philips Phillips Phillip|Stephens Stevens|Johnson Johnston Johnstone|"
    "Moore More|Green Greene|White Whyte|Taylor Tayler|Harris Harries|Mathews Matthews|Nichols Nicholls|"
    "Hewitt Hewett|Pearce Pierce|Shaw Shore|Begum Begam Begom|Choudhury Chowdhury Chaudhry|Miah Mia|Uddin Udin|"
    "Sheikh Shaikh|Iqbal Eqbal|Qureshi Quraishi|Malik Mallick|Singh Sing|Patel Patil|Akhtar Akther Aktar|"
    "Rahman Rehman|Mahmood Mehmood Mahmud|Wong Wang|Cheung Chang|Li Lee|Mensah Mensa|Okafor Okafour|Yousaf Yusuf"
)
